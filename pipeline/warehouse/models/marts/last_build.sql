-- One row: the newest build whose marts passed their tests. A build that fails leaves the row of the one before.
{{ config(materialized='table') }}
-- depends_on: {{ ref('campaigns_daily') }}
-- depends_on: {{ ref('placements_daily') }}
-- depends_on: {{ ref('devices_daily') }}
-- depends_on: {{ ref('hours') }}
select * from {{ ref('build_begun') }}

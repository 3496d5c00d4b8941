{# Whole and final hours, cell by cell. Hours that were repaired after the build began are the next build's. #}
{% test equals_realtime(model, source, held_from, dimensions, measures) %}
with realtime as ({{ hours_of(source, held_from, dimensions, measures) }})
select hour_start, {{ dimensions | join(', ') }}, {{ measures | join(', ') }}
from (
    select hour_start, {{ dimensions | join(', ') }}, mart.{{ measures | join(', mart.') }}
    from {{ model }} as mart
    full join realtime using (hour_start, {{ dimensions | join(', ') }})
    where {{ differ('realtime', 'mart', measures) }}
) as differences
where hour_start >= (select {{ held_from }} from {{ ref('stg_progress') }})
    and hour_start < (select final_until from {{ ref('build_begun') }})
    and hour_start not in (
        select repairs.hour_start from {{ ref('stg_repairs') }} as repairs
        where repairs.revision > (select revision from {{ ref('build_begun') }})
    )
{% endtest %}

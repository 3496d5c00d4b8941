-- Everything together by hour: the hour × weekday map.
select
    hour_start,
    (hour_start at time zone 'UTC')::date as day,
    extract(isodow from hour_start at time zone 'UTC')::int as weekday,
    extract(hour from hour_start at time zone 'UTC')::int as hour_of_day,
    {{ sums(['impressions', 'clicks']) }},
    {{ ctr('sum(impressions)', 'sum(clicks)') }} as ctr
from {{ ref('campaigns_hourly') }}
group by hour_start

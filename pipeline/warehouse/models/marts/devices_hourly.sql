{{ hourly_mart(ref('stg_events'), 'events_from', ['device'], ['impressions', 'clicks', 'late_events']) }}

{{ hourly_mart(ref('stg_events'), 'events_from', ['placement'], ['impressions', 'clicks', 'late_events']) }}

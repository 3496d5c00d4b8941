{{ daily_mart(ref('devices_hourly'), ['device'], ['impressions', 'clicks', 'late_events']) }}

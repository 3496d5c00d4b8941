{{ daily_mart(ref('placements_hourly'), ['placement'], ['impressions', 'clicks', 'late_events']) }}

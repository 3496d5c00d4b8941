{{ daily_mart(ref('campaigns_hourly'), ['campaign_id', 'category'], ['impressions', 'clicks']) }}

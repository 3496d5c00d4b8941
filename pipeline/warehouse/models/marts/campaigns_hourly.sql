{{ hourly_mart(ref('stg_windows_5min'), 'windows_from', ['campaign_id', 'category'], ['impressions', 'clicks']) }}

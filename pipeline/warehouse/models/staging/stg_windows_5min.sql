{{ windows(source('realtime', 'metrics_5min')) }}

{{ windows(source('realtime', 'metrics_1min')) }}

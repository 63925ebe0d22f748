-- Sends one body again and again; prints what a program can read.
wrk.method = "POST"
wrk.headers["authorization"] = "Bearer test-user-token"
wrk.headers["content-type"] = "application/json"
wrk.body = os.getenv("SWITCHYARD_BENCH_BODY")

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"us":%d,"failed":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end

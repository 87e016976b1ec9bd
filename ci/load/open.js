// A constant arrival rate over several URLs, kept-alive and fresh connections mixed, no retries.
// One line of JSON for every request sent and one for every answer; ci/load/load.py judges them.
// Environment: LOAD, the JSON that ci/load/load.py writes.
import exec from 'k6/execution';
import http from 'k6/http';

const load = JSON.parse(open(__ENV.LOAD));
const bodies = load.bodies.map((path) => open(path, 'b'));

function arrivals(rate, connection) {
  return {
    executor: 'constant-arrival-rate',
    rate,
    timeUnit: '10s',
    duration: `${load.seconds}s`,
    preAllocatedVUs: load.vus,
    gracefulStop: '30s',
    env: { CONNECTION: connection },
  };
}

export const options = {
  scenarios: {
    kept: arrivals(load.keptPerTenSeconds, 'kept'),
    fresh: arrivals(load.freshPerTenSeconds, 'fresh'),
  },
};

// Virtual users belong to one scenario, each with connections of its own: with `Connection: close` on all of its
// requests a user of the fresh scenario opens a new TCP connection every time.
export default function () {
  const fresh = __ENV.CONNECTION === 'fresh';
  const turn = exec.scenario.iterationInTest;
  const id = `${__ENV.CONNECTION}-${turn}`;
  const image = turn % bodies.length;
  const url = load.urls[Math.floor(turn / bodies.length) % load.urls.length];
  const headers = { 'Content-Type': load.contentType, ...load.headers };
  if (fresh) headers.Connection = 'close';
  const sent = Date.now();
  console.log(JSON.stringify({ id, sent }));
  const answer = http.post(`${url}/predict`, bodies[image], { headers, timeout: `${load.timeoutSeconds}s` });
  console.log(
    JSON.stringify({
      id,
      sent,
      ended: Date.now(),
      ms: answer.timings.duration + answer.timings.connecting,
      connected: answer.timings.connecting > 0,
      image,
      url,
      status: answer.status,
      error: answer.error,
      version: answer.headers['X-Model-Version'],
      said: answer.status === 200 ? said(answer) : '',
    }),
  );
}

// The class, or the findings over their thresholds in the order of the labels.
function said(answer) {
  const findings = answer.json('findings');
  return findings ? findings.join(', ') : answer.json('prediction');
}

export function handleSummary(data) {
  return { [load.summary]: JSON.stringify(data.metrics) };
}

// A fixed number of virtual users, each sending its next upload as soon as the last was answered; `fresh`: each on a
// connection of its own.
// Environment: LOAD, the JSON that ci/load/k6.py writes.
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const load = JSON.parse(open(__ENV.LOAD));
const bodies = load.bodies.map((path) => open(path, 'b'));
const failed = new Counter('failed_requests');
const shed = new Counter('shed_requests'); // of these: refused with a time to return

export const options = {
  scenarios: {
    closed: { executor: 'constant-vus', vus: load.vus, duration: `${load.seconds}s`, gracefulStop: '30s' },
  },
  summaryTrendStats: ['avg', 'med', 'p(95)', 'max', 'count'],
  discardResponseBodies: true,
};

export default function () {
  const turn = exec.scenario.iterationInTest;
  const answer = http.post(`${load.urls[turn % load.urls.length]}/predict`, bodies[turn % bodies.length], {
    headers: { 'Content-Type': load.contentType, ...load.headers, ...(load.fresh ? { Connection: 'close' } : {}) },
    timeout: `${load.timeoutSeconds}s`,
  });
  failed.add(answer.status === 200 ? 0 : 1);
  shed.add(answer.status === 503 && answer.headers['Retry-After'] ? 1 : 0);
}

export function handleSummary(data) {
  return { [load.summary]: JSON.stringify(data.metrics) };
}

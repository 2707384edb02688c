// Runs the front end against a server: `node main.js ORIGIN KEY TRIGGER_ID...` prints what it finds, as JSON.
import { describe, getTriggerDetails, whoWasFiltered } from './frontend.js';

declare const process: { argv: string[] };

const [origin, key, ...triggers] = process.argv.slice(2) as [string, string, ...string[]];
const fetchAbsolute = globalThis.fetch;
globalThis.fetch = (path, init) => fetchAbsolute(new URL(String(path), origin), init); // as a page of that origin does

const found: string[][] = [];
for (const id of triggers) {
  const trigger = await getTriggerDetails(id, key);
  found.push(describe(trigger));
  if (trigger.type === 'direct') {
    found.push(await whoWasFiltered(id, key));
  }
}
console.log(JSON.stringify(found));

import { useState } from 'react';
import { NewestOrder, Offline, Orders } from './orders.jsx';
import { useSse } from './sse-hooks.js';

const events = new Set();

function Rendered() {
  events.add(useSse('order'));
  return <p id="rendered">{[...events].filter(Boolean).length}</p>;
}

export function App() {
  const [isShown, setShown] = useState(true);
  return (
    <>
      <button id="toggle" type="button" onClick={() => setShown(!isShown)}>Toggle</button>
      {isShown && <><NewestOrder /><Orders /><Offline /><Rendered /></>}
    </>
  );
}

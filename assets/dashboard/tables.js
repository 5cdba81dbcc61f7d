// Tables and lists that change in place: what has the focus or is selected stays so.

import { visible } from './format.js';
import { happensNow } from './recency.js';

/** Sets a text only if it has changed. Whatever it contains, it is text, and all of it can be seen. */
export function setText(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

function setCell(cell, { text, className = '', code = false }) {
  if (cell.className !== className) cell.className = className;
  if (!code) {
    setText(cell, text);
    return;
  }
  if (cell.firstElementChild?.localName !== 'code') cell.replaceChildren(document.createElement('code'));
  setText(cell.firstElementChild, text);
}

/** Brings the rows of a table's body up to date. The first cell of a row is its header. */
export function setRows(body, rows) {
  while (body.rows.length > rows.length) body.rows[body.rows.length - 1].remove();
  rows.forEach((cells, index) => {
    const row = body.rows[index] ?? body.insertRow();
    if (row.className !== (cells.className ?? '')) row.className = cells.className ?? '';
    cells.forEach((cell, column) => {
      if (!row.cells[column]) {
        const made = document.createElement(column === 0 ? 'th' : 'td');
        if (column === 0) made.scope = 'row';
        row.append(made);
      }
      setCell(row.cells[column], cell);
    });
  });
}

/**
 * Shows groups of counts, each in a body of its own with a heading. What has never happened is left out. The names in
 * `bad` alarm while they happen, and then are worth a look, as those in `notable` are.
 */
export function setGroups(table, groups) {
  groups.forEach(({ title, group, counts, describe, bad = [], notable = [] }, index) => {
    const body = table.tBodies[index] ?? table.createTBody();
    const happened = counts.filter(({ total }) => total > 0);
    const rows = happened.map(({ name, total, recent }) => {
      const row = [
        { text: describe[name] ?? name },
        { text: total.toLocaleString('en'), className: 'number' },
        { text: recent.toLocaleString('en'), className: 'number' },
      ];
      if (recent > 0 && bad.includes(name) && happensNow(group, name)) row.className = 'alarming';
      else if (recent > 0 && [...bad, ...notable].includes(name)) row.className = 'worrying';
      return row;
    });
    const heading = [{ text: title }, { text: '', className: 'number' }, { text: '', className: 'number' }];
    heading.className = 'group';
    if (!rows.length) heading[1].text = 'none';
    setRows(body, [heading, ...rows]);
  });
}

/** Brings a list of terms and their descriptions up to date: `[term, text, className]`. */
export function setFacts(list, facts) {
  while (list.children.length > facts.length) list.lastElementChild.remove();
  facts.forEach(([term, text, className = ''], index) => {
    let pair = list.children[index];
    if (!pair) {
      pair = document.createElement('div');
      pair.append(document.createElement('dt'), document.createElement('dd'));
      list.append(pair);
    }
    if (pair.className !== className) pair.className = className;
    setText(pair.firstElementChild, term);
    setText(pair.lastElementChild, text);
  });
}

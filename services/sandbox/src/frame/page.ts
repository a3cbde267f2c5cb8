import { type Html, html } from './html.ts'
import type { Misbehaviour } from './misbehaviour.ts'
import type { LoggedRequest } from './request-log.ts'
import type { Cell, Controllable, VendorPage } from './vendor.ts'

/** One vendor as the page shows it. */
export interface Shown {
  readonly name: string
  readonly page: VendorPage
  readonly control: Controllable
}

const PEOPLE = 25
const REQUESTS = 12

/** The overview: for each vendor what it believes, what it was asked, and what is wrong with it. */
export function overviewPage(vendors: readonly Shown[], now: number, refreshSeconds: number | undefined): string {
  const body = html`
    <p class="lead">Every vendor here is a small program that enforces the real one's contract. What a vendor holds is what it was told, nothing else.</p>
    ${finder()}
    ${vendors.map(section)}`
  return layout('Sandbox', body, now, refreshSeconds)
}

/** What each vendor believes about one person, who is named on the page that asked and in no address. */
export function personPage(
  vendors: readonly Shown[],
  asked: { address?: string | undefined; hash?: string | undefined },
  now: number,
): string {
  const body = html`
    ${finder(asked.address ?? asked.hash)}
    ${vendors.map(({ name, page }) => {
      const rows = page.rowsAbout(asked)
      return html`<section aria-labelledby="${name}"><h2 id="${name}">${page.title}</h2>
        ${rows.length === 0 ? html`<p class="empty">Knows nobody of this address.</p>` : table(page.columns, rows)}</section>`
    })}
    <p><a href="/">All people</a></p>`
  return layout('One person', body, now, undefined)
}

function finder(value = ''): Html {
  return html`<form method="post" action="/person" class="finder">
    <label for="address">What does each vendor believe about</label>
    <input id="address" name="address" type="text" inputmode="email" autocomplete="off" placeholder="ada@example.com" value="${value}" required>
    <button type="submit">Ask</button>
  </form>`
}

function section({ name, page, control }: Shown): Html {
  const rows = page.rows(PEOPLE)
  const requests = control.requests().slice(-REQUESTS).reverse()
  const faults = control.misbehaving()
  return html`<section aria-labelledby="${name}">
    <header><h2 id="${name}">${page.title}</h2>${faults.length === 0 ? badge('healthy', 'go') : faults.map((fault) => badge(describe(fault), 'stop'))}</header>
    <p class="about">${page.about}</p>
    <dl>${page.figures.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
    <h3>What it believes</h3>
    ${rows.length === 0 ? html`<p class="empty">Nothing yet.</p>` : table(page.columns, rows)}
    <h3>What it was asked lately</h3>
    ${requests.length === 0 ? html`<p class="empty">Nothing yet.</p>` : table(['When', 'Request', 'Answer', 'Items', 'Took'], requests.map(requestCells))}
  </section>`
}

function requestCells({ at, method, path, status, items, durationMs, misbehaved }: LoggedRequest): Cell[] {
  const failed = typeof status === 'number' ? status >= 400 : !['OK', 'accepted'].includes(status)
  const answer: Cell = { badge: misbehaved === undefined ? String(status) : `${status}, ${misbehaved}`, tone: failed ? 'stop' : 'go' }
  return [at.slice(11, 23), `${method} ${path}`, answer, String(items), `${durationMs} ms`]
}

function describe({ kind, count, probability, match }: Misbehaviour): string {
  const limits = [count === undefined ? '' : ` ×${count}`, probability === undefined ? '' : ` ${Math.round(probability * 100)} %`]
  return `${kind}${limits.join('')}${match === undefined ? '' : ' (some)'}`
}

function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): Html {
  return html`<div class="scroll" tabindex="0"><table>
    <thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${typeof cell === 'string' ? cell : badge(cell.badge, cell.tone)}</td>`)}</tr>`)}</tbody>
  </table></div>`
}

function badge(text: string, tone: string): Html {
  return html`<span class="badge ${tone}">${text}</span>`
}

function layout(title: string, body: Html, now: number, refreshSeconds: number | undefined): string {
  const refresh = refreshSeconds === undefined ? '' : html`<meta http-equiv="refresh" content="${refreshSeconds}">`
  const toggle = refreshSeconds === undefined ? html`<a href="/?refresh=2">refresh by itself</a>` : html`<a href="/">stop refreshing</a>`
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">${refresh}
<title>${title} · Heed sandbox</title><link rel="stylesheet" href="/style.css"></head>
<body><div class="top"><h1><a href="/">Heed sandbox</a></h1><p>Sandbox time ${new Date(now).toISOString().slice(0, 19).replace('T', ' ')} UTC · ${toggle}</p></div>
<main>${body}</main></body></html>`.markup
}

import { createHash } from 'node:crypto'

const style = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6675; --paper: #f5f7fa; --card: #ffffff; --line: #dfe5ec; --act: #1f5fd0; --act-ink: #ffffff; --act-hover: #184da9; --second-hover: #eef3fc; --done: #19724a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a3b0bf; --paper: #12161c; --card: #1b212a; --line: #313b48; --act: #6ea4ff; --act-ink: #0d1420; --act-hover: #8fb8ff; --second-hover: #222b38; --done: #63d29f; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1.0625rem/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 32rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 2rem; }
main > :last-child { margin-bottom: 0; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; text-wrap: balance; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
form { margin: 0 0 .75rem; }
button { width: 100%; padding: .85rem 1rem; font: inherit; font-weight: 600; line-height: 1.35; border-radius: 10px; border: 1px solid var(--act); background: var(--act); color: var(--act-ink); cursor: pointer; }
button:hover { background: var(--act-hover); border-color: var(--act-hover); }
button.second { background: transparent; color: var(--act); }
button.second:hover { background: var(--second-hover); border-color: var(--act); }
button:focus-visible { outline: 3px solid var(--act); outline-offset: 3px; }
.sender { margin: 0 0 .5rem; color: var(--soft); font-size: .9375rem; font-weight: 600; }
.soft { margin-top: 1.5rem; color: var(--soft); font-size: .9375rem; }
.mark { display: block; width: 3rem; height: 3rem; margin: 0 0 1rem; color: var(--done); }
@media (max-width: 28rem) { body { padding: 1rem; } main { padding: 1.5rem 1.25rem; } }
`

/** The value of the Content-Security-Policy of every page: nothing may be loaded, the one style sheet is named by its hash. */
export const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`

/** What a page needs to speak of a link. */
export interface LinkPage {
  /** Who sends the emails, where that is configured. */
  readonly sender: string | undefined
  /** What the link is about; `all` = all marketing mail. The title of a topic, e.g. `The newsletter`, may be unknown now. */
  readonly about: 'all' | { readonly title: string | undefined }
  /** The path of this link. */
  readonly action: string
  /** The path of a link that stops all marketing mail, where one is offered. */
  readonly allAction: string | undefined
}

const notAffected = '<p class="soft">Messages about your orders, your account and its security are not affected.</p>'
// a button is to be read at a glance
const longestOnButton = 32

/** The page behind a link: one button, and for a topic's link a second one that stops everything. Works without scripts. */
export function unsubscribePage(page: LinkPage): string {
  const what = named(page)
  return document(
    `Stop ${what}?`,
    `${from(page)}<h1>Stop ${escaped(what)}?</h1>
<p>Nothing has been changed yet.</p>
${button(page.action, `Stop ${what.length <= longestOnButton ? what : 'only these emails'}`)}
${page.allAction === undefined ? '' : button(page.allAction, 'Stop all marketing email', 'second')}
${notAffected}`,
  )
}

/** The answer to our own button. After a topic's link it offers to stop everything. */
export function donePage(page: LinkPage): string {
  return document(
    'Done',
    `${from(page)}<svg class="mark" viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><circle cx="24" cy="24" r="21"/><path d="M15 25l6.5 6.5L34 18"/></svg>
<h1>Done: you stopped ${escaped(named(page))}</h1>
<p>Your choice is recorded and on its way to everyone who sends these emails for us. One that was already sent may still arrive. You can close this page.</p>
${page.allAction === undefined ? '' : button(page.allAction, 'Stop all marketing email', 'second')}
${notAffected}`,
  )
}

function named({ about }: LinkPage): string {
  if (about === 'all') return 'all marketing email'
  return about.title === undefined ? 'these emails' : `“${about.title}”`
}

function from({ sender }: LinkPage): string {
  return sender === undefined ? '' : `<p class="sender">${escaped(sender)}</p>\n`
}

function button(action: string, label: string, kind?: 'second'): string {
  return `<form method="post" action="${escaped(action)}"><input type="hidden" name="confirm" value="1"><button${kind === undefined ? '' : ` class="${kind}"`} type="submit">${escaped(label)}</button></form>`
}

/** The one answer to every link that is not ours: it tells nothing about why. */
export function notFoundPage(): string {
  return document(
    'This link does not work',
    `<h1>This link does not work</h1>
<p>It may have been cut off. Open the link from the email once more, or copy the whole of it into the address bar.</p>`,
  )
}

/** The answer while nothing can be recorded, with a button that tries once more. */
export function unavailablePage(action?: string): string {
  return document(
    'Please try again in a minute',
    `<h1>Please try again in a minute</h1>
<p>We could not record your choice just now.</p>
${action === undefined ? '' : button(action, 'Try again')}`,
  )
}

/** The answer to a request that means nothing here. */
export function badRequestPage(): string {
  return document('Nothing was changed', '<h1>Nothing was changed</h1>\n<p>Please use the button on the page behind the link.</p>')
}

function document(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
}

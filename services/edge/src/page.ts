import { createHash } from 'node:crypto'

const style = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6675; --paper: #f5f7fa; --card: #ffffff; --line: #dfe5ec; --act: #1f5fd0; --act-ink: #ffffff; --done: #19724a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a3b0bf; --paper: #12161c; --card: #1b212a; --line: #313b48; --act: #6ea4ff; --act-ink: #0d1420; --done: #63d29f; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1.0625rem/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 32rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 2rem; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
form { margin: 1.25rem 0 0; }
button { width: 100%; padding: .85rem 1rem; font: inherit; font-weight: 600; border-radius: 10px; border: 1px solid var(--act); background: var(--act); color: var(--act-ink); cursor: pointer; }
button.second { background: transparent; color: var(--act); }
button:focus-visible { outline: 3px solid var(--act); outline-offset: 3px; }
.soft { color: var(--soft); font-size: .9375rem; }
.soft:last-child { margin: 1.5rem 0 0; }
.done { color: var(--done); }
`

/** The value of the Content-Security-Policy of every page: nothing may be loaded, the one style sheet is named by its hash. */
export const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`

/** What the unsubscribe page needs: the words for the mails in question, and where its two forms post to. */
export interface UnsubscribePage {
  /** What the link is about, e.g. `Newsletter`; undefined where the link is about all marketing mail, or its title is not known now. */
  readonly topicTitle: string | undefined
  /** The path of this link. */
  readonly action: string
  /** The path of a link that stops all marketing mail; undefined where this link is that one. */
  readonly allAction: string | undefined
}

/** The page behind a link: one button, and for a topic's link a second one that stops everything. Works without scripts. */
export function unsubscribePage(page: UnsubscribePage): string {
  const forAll = page.allAction === undefined
  const what = forAll ? 'all our marketing email' : page.topicTitle === undefined ? 'this kind of email' : `“${escaped(page.topicTitle)}”`
  return document(
    'Stop these emails?',
    `<h1>Stop these emails?</h1>
<p>You are about to stop ${what}. Nothing has been changed yet.</p>
<form method="post" action="${escaped(page.action)}"><input type="hidden" name="confirm" value="1"><button type="submit">${forAll ? 'Stop all marketing email' : `Stop ${what}`}</button></form>
${page.allAction === undefined ? '' : `<form method="post" action="${escaped(page.allAction)}"><input type="hidden" name="confirm" value="1"><button class="second" type="submit">Stop all marketing email</button></form>`}
<p class="soft">Messages about your orders, your account and its security are not affected.</p>`,
  )
}

/** The answer to our own button. */
export function donePage(): string {
  return document(
    'You will not get these emails any more',
    `<h1 class="done">Done.</h1>
<p>Your choice is recorded and is on its way to everyone who sends these emails for us. A message that is already on its way may still arrive.</p>
<p class="soft">Messages about your orders, your account and its security are not affected.</p>`,
  )
}

/** The one answer to every link that is not ours: it tells nothing about why. */
export function notFoundPage(): string {
  return document(
    'This link does not work',
    `<h1>This link does not work</h1>
<p>It may have been cut off. Open the link from the email once more, or copy the whole of it into the address bar.</p>`,
  )
}

/** The answer while nothing can be recorded. */
export function unavailablePage(): string {
  return document(
    'Please try again in a minute',
    `<h1>Please try again in a minute</h1>
<p>We could not record your choice just now. Nothing was changed.</p>`,
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

import { openNote, parseVerifierKey, type VerifierKey } from '@heed/merkle-log'
import type { About, EvidenceBundle } from './bundle.ts'
import { readEntries } from './facts.ts'
import { type Certainty, type Step, type Story, storyOf, type ToldChange, type ToldRecipient, timeText, timeWords } from './story.ts'

/** The form of the page. A page of another form is not compared with the evidence: whoever changes what is drawn here counts it up. */
export const PAGE_FORM = 1

const style = `
:root{color-scheme:light dark;--ink:#1d2430;--soft:#5b6472;--line:#d9dee6;--page:#fff;--good:#0b6b3a;--fair:#1f5fa8;--open:#9a4b00;--card:#f6f8fb}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf2;--soft:#a4aebd;--line:#343c49;--page:#12161c;--good:#6fd39b;--fair:#8fc1ff;--open:#ffb866;--card:#1a2029}}
*{box-sizing:border-box}body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:62rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page)}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .25rem;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:2.5rem 0 .5rem}p{margin:.4rem 0}.soft{color:var(--soft)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;vertical-align:top;padding:.45rem .75rem .45rem 0;border-bottom:1px solid var(--line)}th{font-weight:600}
.good{color:var(--good);font-weight:600}.fair{color:var(--fair);font-weight:600}.open{color:var(--open);font-weight:600}
details{margin:.3rem 0;border:1px solid var(--line);border-radius:.4rem;padding:.4rem .75rem;background:var(--card)}summary{cursor:pointer;font-weight:600}
code,pre{font:.85rem/1.45 ui-monospace,monospace;overflow-wrap:anywhere}pre{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.75rem;white-space:pre-wrap;margin:.4rem 0}
ol{padding-left:1.25rem;margin:.4rem 0}li{margin:.15rem 0}time{white-space:nowrap}
`.trim()

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const safe = (text: string | number) => String(text).replaceAll(/[&<>"']/g, (sign) => escapes[sign] ?? '')

/**
 * The page of a bundle: what happened, in plain words, in the order of the trail. It runs no script and fetches nothing. The same bundle gives the same page, so that
 * a verifier can see whether the page was written by anybody else.
 */
export function renderPage(bundle: EvidenceBundle): string {
  const story = storyOf(readEntries(bundle.entries))
  const body = [
    `<h1>${safe(titleOf(bundle.about))}</h1>`,
    `<p class="soft">Evidence of ${bundle.entries.length} ${bundle.entries.length === 1 ? 'entry' : 'entries'} of the trail. All times are UTC.</p>`,
    ...story.changes.map(changePart),
    ...(story.deliveries.length === 0 ? [] : ['<h2>Recipients</h2>', recipientsPart(story.deliveries)]),
    othersPart(story),
    checkPart(bundle),
  ].join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe(titleOf(bundle.about))}</title>
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

/** What a bundle is about, as a title. */
export function titleOf(about: About): string {
  switch (about.kind) {
    case 'change':
      return `Change ${about.changeId}`
    case 'delivery':
      return `Delivery ${about.deliveryId}`
    case 'subject':
      return `Subject ${about.subjectId}`
    case 'period':
      return `From ${timeWords(about.from)} to ${timeWords(about.to)}`
    default:
      return about satisfies never
  }
}

function changePart(change: ToldChange): string {
  const sure = change.recipients.filter(({ certainty }) => certainty === 'confirmed' || certainty === 'read back').length
  const unsure = change.recipients.length - sure
  const count = `${sure} of ${change.recipients.length} recipients said that they hold it${unsure === 0 ? '.' : `; the table says why the other ${unsure} did not.`}`
  return [
    `<h2>Version ${safe(change.version)}: ${timeTag(change.at)}</h2>`,
    `<p>${safe(change.words)}. Brought by the caller <code>${safe(change.by)}</code>, under version <code>${safe(change.policy)}</code> of the privacy policy. Entry ${safe(change.sequence)} of the trail.</p>`,
    ...(change.recipients.length === 0
      ? ['<p>No recipient of it is in this file.</p>']
      : [`<p>${safe(count)}</p>`, recipientsPart(change.recipients)]),
  ].join('\n')
}

function recipientsPart(parts: readonly ToldRecipient[]): string {
  const rows = parts.map(
    ({ recipient, certainty, because, endedAt, deadlineAt }) =>
      `<tr><td>${safe(recipient)}</td><td class="${classOf(certainty)}">${safe(certainty)}</td><td>${safe(because)}</td><td>${endedAt === undefined ? '–' : timeTag(endedAt)}</td><td>${deadlineAt === undefined ? '–' : timeTag(deadlineAt)}</td></tr>`,
  )
  const details = parts.map(
    ({ recipient, version, steps }) =>
      `<details><summary>${safe(recipient)}, version ${safe(version)}: step by step</summary>${stepsPart(steps)}</details>`,
  )
  return [
    '<div class="wide"><table><thead><tr><th>Recipient</th><th>Does it hold it?</th><th>Why that is not certain</th><th>Ended</th><th>Deadline</th></tr></thead><tbody>',
    ...rows,
    '</tbody></table></div>',
    ...details,
  ].join('\n')
}

function classOf(certainty: Certainty): 'good' | 'fair' | 'open' | 'soft' {
  switch (certainty) {
    case 'read back':
    case 'confirmed':
      return 'good'
    case 'taken, nothing more is known':
    case 'a person answers for it':
      return 'fair'
    case 'open':
      return 'open'
    case 'not owed':
      return 'soft'
    default:
      return certainty satisfies never
  }
}

function othersPart({ others }: Story): string {
  return others.length === 0 ? '' : `<h2>What else the trail says</h2>\n${stepsPart(others)}`
}

function stepsPart(steps: readonly Step[]): string {
  return `<ol>${steps.map(({ at, words, sequence }) => `<li>${timeTag(at)} ${safe(words)} <span class="soft">(entry ${safe(sequence)})</span></li>`).join('')}</ol>`
}

function timeTag(at: number): string {
  return `<time datetime="${safe(timeText(at))}">${safe(timeWords(at))}</time>`
}

function checkPart({ checkpoint, claimedKeys, policies }: EvidenceBundle): string {
  return [
    '<h2>How to check it</h2>',
    '<p>This page proves nothing by itself: anybody can write a page. The file that it came in can be checked without the company that made it, and without its database, by <code>node heed-verify.mjs &lt;file&gt; --key &lt;public key&gt;</code>. Take the public key from where the company published it, not from here. The check also says whether this page says what the evidence says.</p>',
    `<p>The statement that the log signed, over all its entries up to then:</p><pre>${safe(checkpoint)}</pre>`,
    ...claimedKeys.map((key) => `<p>The log calls this key its own: <code>${safe(key)}</code>${safe(signs(checkpoint, key))}</p>`),
    ...(policies.length === 0
      ? []
      : [
          `<p>Beside this page: the privacy policy as it was in force, whose SHA-256 is in the trail: ${policies.map(({ sha256 }) => `<code>policy/${safe(sha256)}.yaml</code>`).join(', ')}.</p>`,
        ]),
  ].join('\n')
}

function signs(checkpoint: string, key: string): string {
  let parsed: VerifierKey
  try {
    parsed = parseVerifierKey(key)
  } catch {
    return ' (not a key)'
  }
  const note = openNote(checkpoint, [parsed])
  return note.ok && note.verified.length > 0 ? '' : ' (it did not sign the statement above)'
}

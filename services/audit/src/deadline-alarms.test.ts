import { describe, expect, it } from 'vitest'
import { alarmsNow, type Said } from './deadline-alarms.ts'
import type { RecipientStatus } from './recipient-status.ts'
import { recipient } from './testing/events.ts'

const hour = 60 * 60_000
const nothing: Said = new Map()

function status(pastHalf: number, pastEighty = 0, late = 0): RecipientStatus {
  const counts = {
    requested: 0,
    open: 0,
    accepted: 0,
    confirmed: 0,
    verified: 0,
    superseded: 0,
    notApplicable: 0,
    resolved: 0,
    needsPerson: 0,
    unrequested: 0,
  }
  return {
    recipientId: recipient('mailchimp'),
    counts,
    paused: false,
    pastHalf,
    pastEighty,
    late,
    waiting: [],
    settleP50Ms: 0,
    settleP99Ms: 0,
    openRows: 0,
  }
}

/** What is said over time: each moment with the status that is found then. */
function told(...moments: [atHours: number, RecipientStatus][]): string[][] {
  let said = nothing
  return moments.map(([atHours, found]) => {
    const news = alarmsNow(said, [found], atHours * hour)
    said = news.said
    return news.alarms.map(({ step, count }) => `${step} ${count}`)
  })
}

describe('the alarms of a recipient', () => {
  it('are silent while nothing is near its deadline', () => {
    expect(told([0, status(0)], [1, status(0)])).toEqual([[], []])
  })

  it('are raised once for each step that is entered', () => {
    expect(told([0, status(3)], [0.1, status(3, 1)], [0.2, status(3, 3, 2)], [0.3, status(3, 3, 3)])).toEqual([
      ['half 3'],
      ['eighty 1'],
      ['late 2'],
      [],
    ])
  })

  it('come again after an hour, and only where there are more', () => {
    expect(told([0, status(3)], [0.9, status(9)], [1, status(9)], [2, status(9)])).toEqual([['half 3'], [], ['half 9'], []])
  })

  it('say when a step is clear, and start anew after that', () => {
    expect(told([0, status(2)], [0.1, status(0)], [0.2, status(0)], [0.3, status(1)])).toEqual([['half 2'], ['half 0'], [], ['half 1']])
  })
})

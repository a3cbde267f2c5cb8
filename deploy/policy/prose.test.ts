import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readProse } from './prose.ts'

const texts = (prose: string) => readProse(prose).sentences.map(({ text }) => text)

describe('the prose', () => {
  it('is cut at its numbered headings, with and without a dot, and knows each sentence’s section and line', () => {
    const prose = readProse('Title\n1. WHAT DO WE COLLECT?\nWe collect this.\n\n10 HOW TO CONTACT US\nAsk us. Or do not.')
    expect(prose.sentences).toEqual([
      { clause: '0', line: 1, column: 1, text: 'Title' },
      { clause: '1', line: 3, column: 1, text: 'We collect this.' },
      { clause: '10', line: 6, column: 1, text: 'Ask us.' },
      { clause: '10', line: 6, column: 9, text: 'Or do not.' },
    ])
    expect([...prose.sections]).toEqual([
      ['0', 'Title'],
      ['1', 'We collect this.'],
      ['10', 'Ask us. Or do not.'],
    ])
  })

  it('is cut at the end of a sentence, also behind a closing quote, and not behind an abbreviation', () => {
    expect(texts('1. A\nSee “Your Choices.” We share. (Not all.) Then more, e.g. By post, or in the U.S. Army.')).toEqual([
      'See “Your Choices.”',
      'We share.',
      '(Not all.)',
      'Then more, e.g. By post, or in the U.S. Army.',
    ])
  })

  it('does not lose a line that has no mark at its end', () => {
    expect(texts('1. A\n- Sharing with data brokers\n- Contact us at hello@example.com')).toEqual([
      'Sharing with data brokers',
      'Contact us at hello@example.com',
    ])
  })

  it('that is served loses no word when it is cut', () => {
    const text = readFileSync(new URL('./qualified3d-privacy-policy.txt', import.meta.url), 'utf8')
    const prose = readProse(text)
    const words = (part: string) => part.split(/\s+/).filter((word) => word !== '' && word !== '-').length
    const headings = text.split('\n').filter((line) => /^\d+\.? [\p{Lu} ’?-]+\.?$/u.test(line))
    const cut = prose.sentences.reduce((sum, { text: sentence }) => sum + words(sentence), 0)
    expect(cut + headings.reduce((sum, line) => sum + words(line), 0)).toBe(words(text))
    expect([...prose.sections.keys()]).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11'])
    for (const [clause, section] of prose.sections) {
      expect(
        prose.sentences
          .filter((sentence) => sentence.clause === clause)
          .map((sentence) => sentence.text)
          .join(' '),
      ).toBe(section)
    }
  })
})

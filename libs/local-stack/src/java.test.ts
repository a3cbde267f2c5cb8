import { describe, expect, it } from 'vitest'
import { javaFeature } from './java.ts'

describe('javaFeature', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['openjdk version "25-ea" 2025-09-16', 25],
    ['java version "1.8.0_402"', 8],
    ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "11.0.2" 2019-01-15', 11],
  ])('reads %j', (text, feature) => {
    expect(javaFeature(text)).toBe(feature)
  })

  it('says nothing of what is no Java', () => {
    expect(javaFeature('The operation couldn\u2019t be completed. Unable to locate a Java Runtime.')).toBeUndefined()
  })
})

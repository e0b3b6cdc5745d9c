import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasPrice, hasTag, isListed, matches, withDefaults } from '../src/catalog.js'

const lamp = { name: 'Desk Lamp', tags: ['Light', 'OFFICE'], price: 40 }

test('tags are found whatever their case', () => {
  assert.equal(hasTag(lamp, 'office'), true)
  assert.equal(hasTag(lamp, 'garden'), false)
})

test('a name is listed or not', () => {
  assert.equal(isListed(['a', 'b'], 'b'), true)
  assert.equal(isListed(['a', 'b'], 'c'), false)
})

test('a word of the name matches', () => {
  assert.equal(matches(lamp, 'lamp'), true)
  assert.equal(matches(lamp, 'chair'), false)
})

test('stock is zero when unknown, and the product is not changed', () => {
  assert.deepEqual(withDefaults(lamp), { ...lamp, stock: 0 })
  assert.equal('stock' in lamp, false)
})

test('a price of its own counts', () => {
  assert.equal(hasPrice(lamp), true)
  assert.equal(hasPrice(Object.create({ price: 1 })), false)
})

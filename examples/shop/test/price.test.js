import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grow, label, total, withTax } from '../src/price.js'

test('tax is rounded to cents', () => {
  assert.equal(withTax(10.99, 19), 13.08)
})

test('money grows', () => {
  assert.equal(grow(1000, 0.05, 2), 1103)
  assert.equal(grow(1000, 0, 9), 1000)
})

test('labels are three capitals', () => {
  assert.equal(label('abcdef'), 'ABC')
})

test('the total of a basket', () => {
  assert.equal(total([{ price: 2, count: 3 }, { price: 5, count: 1 }]), 11)
  assert.equal(total([]), 0)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { latestOrder } from '../src/history.js'

test('the latest order carries its position', () => {
  assert.deepEqual(latestOrder([{ id: 'x' }, { id: 'y' }]), { id: 'y', position: 1 })
})

test('no orders, no latest order', () => {
  assert.equal(latestOrder([]), undefined)
})

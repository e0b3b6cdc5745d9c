/** Orders by position; the last one is asked for most. Not an array: it computes its entries. */
export function orderHistory(orders) {
  return {
    length: orders.length,
    ...Object.fromEntries(orders.map((order, position) => [position, { ...order, position }])),
  }
}

export function latestOrder(orders) {
  const history = orderHistory(orders)
  return history[history.length - 1]
}

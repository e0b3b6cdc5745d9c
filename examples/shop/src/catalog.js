/** A list of tags with a case-insensitive `indexOf`: it looks like an array, but has none of its newer methods. */
export class TagList {
  constructor(tags) {
    this.tags = tags.map((tag) => tag.toLowerCase())
  }

  indexOf(tag) {
    return this.tags.indexOf(tag.toLowerCase())
  }
}

export function hasTag(product, tag) {
  const tags = new TagList(product.tags)
  return tags.indexOf(tag) !== -1
}

export function isListed(names, name) {
  return names.indexOf(name) !== -1
}

export function matches(product, word) {
  return product.name.toLowerCase().indexOf(word.toLowerCase()) !== -1
}

export function withDefaults(product) {
  return Object.assign({}, product, { stock: product.stock ?? 0 })
}

export function hasPrice(product) {
  return Object.prototype.hasOwnProperty.call(product, 'price')
}

// Imported on first use only. The names go through a file of ours: a bundle gives a CommonJS package that is imported late no names.
export { Ajv } from 'ajv'
export { Ajv2020 } from 'ajv/dist/2020.js'

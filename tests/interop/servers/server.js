// The package `soap` of npm as a server: it answers what it read, and keeps notes in a file. WSDL, port.
'use strict'
const fs = require('fs')
const http = require('http')
const soap = require('soap')

const [wsdl, port] = process.argv.slice(2)

function record (asked) {
  if (asked.entry.kind === 'refuse') {
    const refused = { attributes: { xmlns: 'urn:interop' }, reason: process.env.REASON, field: 'kind' }
    throw { Fault: { faultcode: 'soap:Server', faultstring: 'refused', detail: { Refused: refused } } }
  }
  // The package writes members as they come, and null as xsi:nil without saying what xsi is.
  const nil = { attributes: { 'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance', 'xsi:nil': 'true' } }
  const { text, kind, whole, amount, right, day, at, octets, blank, tag, part } = asked.entry
  const iso = date => new Date(date).toISOString()
  const days = { day: iso(day).slice(0, 10), at: iso(at) }
  return { number: 7, kept: { text, kind, whole, amount, right, ...days, octets, note: nil, blank, tag, part } }
}

const server = http.createServer()
const operations = { Record: record, Note: ({ text }) => fs.writeFileSync('note.txt', text) }
soap.listen(server, {
  path: '/', services: { Records: { RecordsSoap: operations } }, xml: fs.readFileSync(wsdl, 'utf8'), uri: wsdl
})
server.listen(Number(port), '127.0.0.1')

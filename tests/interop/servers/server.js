// The package `soap` of npm as a server: it answers what it read, and keeps notes in a file. WSDL, port.
'use strict'
const fs = require('fs')
const http = require('http')
const soap = require('soap')

const [wsdl, port] = process.argv.slice(2)

function record (asked, answer, headers, request) {
  if (asked.entry.kind === 'refuse') {
    const refused = { ':Refused': { attributes: { xmlns: 'urn:interop' }, ':reason': process.env.REASON, ':field': 'kind' } }
    // A colon before a name keeps the package from writing the prefix of the envelope there, as it does in SOAP 1.2.
    throw request.url === '/12'
      ? { Fault: { Code: { Value: 'soap:Receiver' }, Reason: { Text: 'refused' }, Detail: refused } }
      : { Fault: { faultcode: 'soap:Server', faultstring: 'refused', detail: refused } }
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
const services = { Records: { RecordsSoap: operations, RecordsSoap12: operations } }
for (const path of ['/12', '/']) {
  soap.listen(server, { path, services, xml: fs.readFileSync(wsdl, 'utf8'), uri: wsdl, forceSoap12Headers: path === '/12' })
}
server.listen(Number(port), '127.0.0.1')

// The package `soap` of npm: address, name, secret, and a text.
'use strict'
const soap = require('soap')

const [base, name, secret, text] = process.argv.slice(2)
const said = {}

async function step (label, run) {
  try {
    said[label] = (await run()) ?? null
  } catch (error) {
    said[label] = { error: String(error.message || error) }
  }
}

async function client (address, options = {}) {
  const authorization = 'Basic ' + Buffer.from(`${name}:${secret}`).toString('base64')
  const made = await soap.createClientAsync(address, { wsdl_headers: { Authorization: authorization }, ...options })
  made.setSecurity(new soap.BasicAuthSecurity(name, secret))
  return made
}

const entry = kind => ({
  entry: {
    text,
    kind,
    whole: -42,
    amount: '12345678901.25',
    right: true,
    day: '2026-02-28',
    at: '2026-02-28T23:59:59+07:00',
    octets: Buffer.from([0, 255, 16]).toString('base64'),
    note: null,
    blank: '',
    tag: ['một', '', 'ba'],
    part: [{ name: 'một mình', count: 2 }],
    left: []
  }
})

async function recorded (made) {
  const [answer] = await made.RecordAsync(entry('keep'))
  const kept = answer.kept
  const iso = date => new Date(date).toISOString()
  return {
    ...kept,
    number: answer.number,
    day: iso(kept.day).slice(0, 10),
    at: iso(kept.at).replace('.000', ''),
    note: kept.note ?? null,
    left: kept.left ?? []
  }
}

async function refused (made) {
  try {
    await made.RecordAsync(entry('refuse'))
  } catch (error) {
    const fault = error.root.Envelope.Body.Fault
    const { reason, field } = (fault.detail ?? fault.Detail).Refused
    return { reason, field }
  }
  return { error: 'no fault' }
}

async function view () {
  const made = await client(`${base}/stand-in.view?wsdl`)
  const [answer] = await made.requestAsync({
    text, amount: 51.5, day: '2026-02-28', note: null, tags: ['một', ''], parts: [{ name: 'một mình', count: 2 }]
  })
  return { ...answer, note: answer.note ?? null, day: new Date(answer.day).toISOString().slice(0, 10) }
}

async function inbox () {
  const made = await client(`${base}/inbox?wsdl`)
  const [{ delivery: [item] }] = await made.fetchAsync({ wait: 20, max: 1 })
  const note = item.body.Note.text
  const escaped = note.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const body = { $xml: `<Note xmlns="urn:interop"><text>${escaped}</text></Note>` }
  await made.ackAsync({ delivery: item.id, attempt: item.attempt, body })
  return { contract: item.contract, attempt: item.attempt, text: note }
}

async function main () {
  const record = `${base}/stand-in.record`
  await step('record', async () => recorded(await client(`${record}?wsdl`)))
  await step('fault', async () => refused(await client(`${record}?wsdl`)))
  await step('note', async () => { await (await client(`${base}/stand-in.note?wsdl`)).NoteAsync({ text }) })
  await step('view', view)
  await step('record12', async () => recorded(await client(`${record}?wsdl12`, { forceSoap12Headers: true })))
  await step('fault12', async () => refused(await client(`${record}?wsdl12`, { forceSoap12Headers: true })))
  await step('inbox', inbox)
  process.stdout.write(JSON.stringify(said))
}

main()

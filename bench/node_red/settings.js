// The runtime that bench/peer.py starts: no editor, no log, and what the flow's function needs.
const fs = require("fs");
const Ajv = require("ajv/dist/2020");
const formats = require("ajv-formats");
const amqp = require("amqplib");

const ajv = new Ajv({ allErrors: false });
formats(ajv);

module.exports = {
  uiHost: "127.0.0.1",
  httpAdminRoot: false,
  credentialSecret: false,
  apiMaxLength: "16mb",
  logging: { console: { level: "error", metrics: false, audit: false } },
  functionExternalModules: false,
  functionGlobalContext: {
    valid: ajv.compile(JSON.parse(fs.readFileSync(process.env.PEER_SCHEMA, "utf8"))),
    channel: amqp.connect(process.env.PEER_BROKER).then((connection) => connection.createConfirmChannel()),
    queue: process.env.PEER_QUEUE,
  },
};

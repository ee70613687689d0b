// What jsforce, a client of another make, says to the local org; prints one JSON object.
// Called as: node ask_the_org.cjs URL CONTACT_ID OTHER_CONTACT_ID, with jsforce in NODE_PATH.
const jsforce = require("jsforce");

async function main([url, contact, other]) {
  const connection = new jsforce.Connection({
    instanceUrl: url,
    version: "66.0",
    maxRequest: 1,
    oauth2: { loginUrl: url, clientId: "touchline-local", clientSecret: "touchline-local-secret" },
  });
  await connection.authorize({ grant_type: "client_credentials" });

  const found = await connection.query("select Id, Owner.Username from Contact order by Id");
  const described = await connection.sobject("Contact").describe();
  const collections = await connection.sobject("Contact").update([
    { Id: contact, Title: "By Collections" },
    { Id: other, Email: "no address" },
  ]);

  connection.bulk2.pollInterval = 50;
  connection.bulk2.pollTimeout = 10000;
  const bulk = await connection.bulk2.loadAndWaitForResults({
    object: "Contact",
    operation: "update",
    input: [
      { Id: contact, Title: "By a job" },
      { Id: other, Title: "x".repeat(200) },
    ],
  });

  const extracted = [];
  const stream = await connection.bulk2.query("select Id, Title from Contact order by Id");
  for await (const record of stream) extracted.push(record);

  let refused = "";
  try {
    await connection.query("select Nothing from Contact");
  } catch (error) {
    refused = error.errorCode;
  }
  const limits = await connection.limits();
  return {
    user: connection.userInfo && connection.userInfo.id,
    found: found.records.map((each) => [each.Id, each.Owner.Username]),
    fields: described.fields.length,
    collections,
    bulk,
    extracted,
    refused,
    daily: limits.DailyApiRequests,
    usage: connection.limitInfo.apiUsage,
  };
}

main(process.argv.slice(2)).then(
  (answer) => process.stdout.write(JSON.stringify(answer)),
  (error) => {
    process.stderr.write(`${error.errorCode || error.name}: ${error.message}\n${error.stack}\n`);
    process.exitCode = 1;
  },
);

// A subscription over graphql-ws, whose client makes a new id for each.

import assert from 'node:assert/strict';
import { once } from 'node:events';

import { GraphQLFloat, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import WebSocket, { WebSocketServer } from 'ws';

function schema(changed) {
  const Price = new GraphQLObjectType({
    name: 'Price',
    fields: { symbol: { type: GraphQLString }, amount: { type: GraphQLFloat } },
  });
  const prices = {
    type: Price,
    args: { symbol: { type: GraphQLString } },
    async *subscribe(_, { symbol }) {
      for (const amount of [10.5, 11, changed ? 12.25 : 11.25]) yield { prices: { symbol, amount } };
    },
  };
  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { version: { type: GraphQLString, resolve: () => '1' } } }),
    subscription: new GraphQLObjectType({ name: 'Subscription', fields: { prices } }),
  });
}

export async function listen({ changed }) {
  const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/graphql' });
  const served = useServer({ schema: schema(changed) }, sockets);
  await once(sockets, 'listening');
  return { port: sockets.address().port, close: () => served.dispose() };
}

export async function use(url) {
  const client = createClient({ url: `${url}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 });
  const all = async (request) => {
    const amounts = [];
    for await (const { data, errors } of client.iterate(request)) {
      assert.equal(errors, undefined);
      amounts.push(data.version ?? [data.prices.symbol, data.prices.amount]);
    }
    return amounts;
  };
  const subscribed = all({ query: 'subscription Prices($s: String) { prices(symbol: $s) { symbol amount } }', variables: { s: 'ACME' } });
  assert.deepEqual(await subscribed, [['ACME', 10.5], ['ACME', 11], ['ACME', 11.25]]);
  await client.dispose();
}

export const server = ['--bind', 'id=$.id'];
export const client = [];
export const change = { place: '$.payload.data.prices.amount', expected: 11.25, got: 12.25 };

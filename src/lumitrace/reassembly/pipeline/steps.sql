-- The one place where transactions are computed.
--
-- A transaction is everything caused by one entry: the trace of an entry, and all traces reached
-- from it along sender -> receiver edges. It is not a connected component: batches would glue
-- strangers together.
--
-- How to read it. "-- make T" says that the rows of the SELECT below become table T; "-- add T", that
-- they are added to T. "-- part P" begins a part; the driver runs the parts in the order that
-- pipeline/duckdb.py states, and repeats a part that walks until it finds nothing new.
--
-- Portable SQL: integers and text only; no ordered aggregates, no recursion, no engine's own
-- percentiles; every tie is broken by an id; no alias is the name of a column in its source.
--
-- What comes in:
--   spans       trace_id, span_id, parent_id, start_us, role, end_us
--   links       trace_id, span_id, linked_trace, linked_span    the sender's context, read from an event
--   claims      trace_id, span_id, claimed_trace, claimed_span  what a caller at a public edge says it is
--   windows     trace_id, span_id, from_us, begun_by_us, ended_by_us  HTTP calls of ours: when what
--                                          they ask begins, and by when it has ended
--   records     trace_id, span_id, batch_trace, batch_span      a record in a trace of its own, its batch
--   writes      fingerprint, trace_id, span_id, from_us, until_us     what a call wrote to a table
--   changes     fingerprint, trace_id, span_id, change_key, content, from_us, until_us  what a stream's
--                                          record says of a write; content is 1 for an item's, 0 for a key's
--   sent        link_key, trace_id, span_id                     the id that AWS answered to a sender
--   received    link_key, trace_id, span_id                     the id that a receiver found in its event
--   arrivals    xray_root, trace_id, span_id, request_id, service, place, start_us, entrance, polled
--   departures  xray_root, trace_id, span_id, request_id, service, place, start_us
--
-- What comes out: hops, candidates, members, cut, fans.

-- part hops

-- make traces
SELECT trace_id, MIN(start_us) AS began_us
FROM spans
GROUP BY trace_id

-- First witness: the context that a sender wrote into its message. Exact.
-- make hops_by_context
SELECT linked_trace AS sender_trace, linked_span AS sender_span,
       trace_id AS receiver_trace, span_id AS receiver_span
FROM links
UNION
SELECT s.trace_id AS sender_trace, s.parent_id AS sender_span,
       s.trace_id AS receiver_trace, s.span_id AS receiver_span
FROM spans s
WHERE s.role IN ('invocation', 'record') AND s.parent_id <> ''

-- A claim is proved by the call that it names: an HTTP call of ours with that very span id, which
-- encloses in time what claims to be asked by it. Nobody else's claim counts. Exact. Where the call
-- went out with another tracer's header, that span's key stands for its own.
-- make hops_by_proof
SELECT DISTINCT w.trace_id AS sender_trace, w.span_id AS sender_span,
       c.trace_id AS receiver_trace, c.span_id AS receiver_span
FROM claims c
JOIN windows w ON w.trace_id = c.claimed_trace AND w.span_id = c.claimed_span
JOIN spans s ON s.trace_id = c.trace_id AND s.span_id = c.span_id
WHERE s.start_us BETWEEN w.from_us AND w.begun_by_us
  AND s.end_us <= w.ended_by_us
UNION
SELECT w.trace_id AS sender_trace, w.span_id AS sender_span,
       c.trace_id AS receiver_trace, c.span_id AS receiver_span
FROM claims c
JOIN sent o ON o.link_key = 'w3c:' || c.claimed_trace || '-' || c.claimed_span
JOIN windows w ON w.trace_id = o.trace_id AND w.span_id = o.span_id
JOIN spans s ON s.trace_id = c.trace_id AND s.span_id = c.span_id
WHERE s.start_us BETWEEN w.from_us AND w.begun_by_us
  AND s.end_us <= w.ended_by_us

-- Second witness: the id that AWS gave the sender is the id that the receiver saw. Exact. Who
-- answers an HTTP call may be anybody: its ids hold only for what began during the call.
-- make hops_by_key
SELECT DISTINCT o.trace_id AS sender_trace, o.span_id AS sender_span,
       i.trace_id AS receiver_trace, i.span_id AS receiver_span
FROM received i
JOIN sent o ON o.link_key = i.link_key
JOIN spans s ON s.trace_id = i.trace_id AND s.span_id = i.span_id
LEFT JOIN windows w ON w.trace_id = o.trace_id AND w.span_id = o.span_id
WHERE o.span_id <> i.span_id
  AND (w.span_id IS NULL OR s.start_us BETWEEN w.from_us AND w.begun_by_us)

-- A stream's record shows what was written, not who wrote it: who wrote that at that time. The item's
-- content counts before its key.
-- make possible_writers
SELECT c.trace_id AS receiver_trace, c.span_id AS receiver_span, c.change_key, c.content,
       c.fingerprint, w.trace_id AS sender_trace, w.span_id AS sender_span
FROM changes c
JOIN writes w ON w.fingerprint = c.fingerprint
WHERE w.from_us <= c.until_us AND w.until_us >= c.from_us

-- make best_contents
SELECT receiver_span, change_key, MAX(content) AS best_content
FROM possible_writers
GROUP BY receiver_span, change_key

-- make likely_writers
SELECT DISTINCT p.receiver_trace, p.receiver_span, p.change_key, p.content, p.fingerprint,
       p.sender_trace, p.sender_span
FROM possible_writers p
JOIN best_contents b ON b.receiver_span = p.receiver_span AND b.change_key = p.change_key
WHERE p.content = b.best_content

-- A write makes one change: what fits two of them proves neither. A change that the write's content
-- fits takes its key too.
-- make fits
SELECT l.sender_span, l.fingerprint, l.change_key
FROM likely_writers l
UNION
SELECT p.sender_span, p.fingerprint, p.change_key
FROM possible_writers p
JOIN likely_writers l ON l.sender_span = p.sender_span AND l.change_key = p.change_key
WHERE p.content = 0

-- make single_fits
SELECT sender_span, fingerprint
FROM fits
GROUP BY sender_span, fingerprint
HAVING COUNT(DISTINCT change_key) = 1

-- make sole_writers
SELECT l.receiver_span, l.change_key
FROM likely_writers l
LEFT JOIN single_fits f ON f.sender_span = l.sender_span AND f.fingerprint = l.fingerprint
GROUP BY l.receiver_span, l.change_key
HAVING COUNT(DISTINCT l.sender_span) = 1 AND COUNT(f.sender_span) > 0

-- Several that fit are told, and none of them is picked.
-- make candidates
SELECT DISTINCT l.receiver_span, l.change_key, l.sender_trace, l.sender_span
FROM likely_writers l
LEFT JOIN sole_writers o ON o.receiver_span = l.receiver_span AND o.change_key = l.change_key
WHERE o.receiver_span IS NULL

-- make hops_by_fingerprint
SELECT DISTINCT l.sender_trace, l.sender_span, l.receiver_trace, l.receiver_span, l.content
FROM likely_writers l
JOIN sole_writers o ON o.receiver_span = l.receiver_span AND o.change_key = l.change_key

-- make exact_hops
SELECT sender_trace, sender_span, receiver_trace, receiver_span, 1 AS strength FROM hops_by_context
UNION ALL
SELECT sender_trace, sender_span, receiver_trace, receiver_span, 2 AS strength FROM hops_by_proof
UNION ALL
SELECT sender_trace, sender_span, receiver_trace, receiver_span, 3 AS strength FROM hops_by_key
UNION ALL
SELECT sender_trace, sender_span, receiver_trace, receiver_span, 4 AS strength
FROM hops_by_fingerprint
WHERE content = 1

-- Third witness: X-Ray's root. Likely; one sender to one receiver, and only where nothing exact is
-- known of either. A root seen at two entrances (public edges, pollers) says nothing.
-- make worn_roots
SELECT xray_root
FROM arrivals
WHERE entrance = 1 OR polled = 1
GROUP BY xray_root
HAVING COUNT(DISTINCT request_id) > 1

-- make lone_arrivals
SELECT a.xray_root, a.trace_id, a.span_id, a.request_id, a.service, a.place, a.start_us
FROM arrivals a
LEFT JOIN (SELECT DISTINCT receiver_span FROM exact_hops) h ON h.receiver_span = a.span_id
LEFT JOIN worn_roots w ON w.xray_root = a.xray_root
WHERE a.entrance = 0 AND a.polled = 0 AND h.receiver_span IS NULL AND w.xray_root IS NULL

-- make lone_departures
SELECT d.xray_root, d.trace_id, d.span_id, d.request_id, d.service, d.place, d.start_us
FROM departures d
LEFT JOIN (SELECT DISTINCT sender_span FROM exact_hops) h ON h.sender_span = d.span_id
WHERE h.sender_span IS NULL

-- Within 15 minutes; a second before counts too: two sandboxes have two clocks.
-- make xray_pairs
SELECT d.trace_id AS sender_trace, d.span_id AS sender_span,
       a.trace_id AS receiver_trace, a.span_id AS receiver_span, a.request_id AS receiver_request
FROM lone_departures d
JOIN lone_arrivals a ON a.xray_root = d.xray_root AND a.service = d.service
WHERE a.request_id <> d.request_id
  AND (a.place = d.place OR a.place = '' OR d.place = '')
  AND a.start_us - d.start_us BETWEEN -1000000 AND 900000000

-- make senders_of_one
SELECT sender_span
FROM xray_pairs
GROUP BY sender_span
HAVING COUNT(DISTINCT receiver_request) = 1

-- make receivers_of_one
SELECT receiver_request
FROM xray_pairs
GROUP BY receiver_request
HAVING COUNT(DISTINCT sender_span) = 1

-- make hops_by_xray
SELECT DISTINCT p.sender_trace, p.sender_span, p.receiver_trace, p.receiver_span
FROM xray_pairs p
JOIN senders_of_one s ON s.sender_span = p.sender_span
JOIN receivers_of_one r ON r.receiver_request = p.receiver_request

-- A record whose sender nothing tells of came with its batch: the same invocation wrote both.
-- make hops_by_batch
SELECT r.batch_trace AS sender_trace, r.batch_span AS sender_span,
       r.trace_id AS receiver_trace, r.span_id AS receiver_span
FROM records r
LEFT JOIN (SELECT DISTINCT receiver_span FROM exact_hops) h ON h.receiver_span = r.span_id
LEFT JOIN (SELECT DISTINCT receiver_span FROM hops_by_fingerprint) f ON f.receiver_span = r.span_id
WHERE h.receiver_span IS NULL AND f.receiver_span IS NULL

-- Of several witnesses of one hop the strongest speaks.
-- make hops
SELECT sender_trace, sender_span, receiver_trace, receiver_span, MIN(strength) AS witness
FROM (
  SELECT sender_trace, sender_span, receiver_trace, receiver_span, strength FROM exact_hops
  UNION ALL
  SELECT sender_trace, sender_span, receiver_trace, receiver_span, 5 AS strength FROM hops_by_xray
  UNION ALL
  SELECT sender_trace, sender_span, receiver_trace, receiver_span, 6 AS strength
  FROM hops_by_fingerprint
  WHERE content = 0
  UNION ALL
  SELECT sender_trace, sender_span, receiver_trace, receiver_span, 7 AS strength FROM hops_by_batch
) every_hop
GROUP BY sender_trace, sender_span, receiver_trace, receiver_span

-- make edges
SELECT DISTINCT sender_trace, receiver_trace
FROM hops
WHERE sender_trace <> receiver_trace

-- Traces that are named as senders but were not read stand in as places without spans.
-- make nodes
SELECT node_trace AS trace_id, ROW_NUMBER() OVER (ORDER BY known_us, node_trace) AS place_in_time
FROM (
  SELECT trace_id AS node_trace, began_us AS known_us FROM traces
  UNION ALL
  SELECT e.sender_trace AS node_trace, MIN(t.began_us) AS known_us
  FROM edges e
  JOIN traces t ON t.trace_id = e.receiver_trace
  LEFT JOIN traces known ON known.trace_id = e.sender_trace
  WHERE known.trace_id IS NULL
  GROUP BY e.sender_trace
) every_trace

-- make members
SELECT trace_id AS entry_trace, trace_id AS member_trace FROM nodes WHERE 1 = 0

-- make cut
SELECT trace_id AS entry_trace FROM nodes WHERE 1 = 0

-- part entries
-- An entry is a trace that no edge leads to.

-- make starting_points
SELECT n.trace_id
FROM nodes n
LEFT JOIN (SELECT DISTINCT receiver_trace FROM edges) e ON e.receiver_trace = n.trace_id
WHERE e.receiver_trace IS NULL

-- part unreached
-- What no entry reaches lies in a ring, or behind one.

-- make unreached
SELECT n.trace_id, n.place_in_time
FROM nodes n
LEFT JOIN (SELECT DISTINCT member_trace FROM members) m ON m.member_trace = n.trace_id
WHERE m.member_trace IS NULL

-- make earliest
SELECT trace_id AS at_trace, place_in_time AS earliest_place FROM unreached

-- part spread
-- Each trace learns the earliest of all that lead to it, an edge a round.

-- make heard
SELECT e.receiver_trace AS hearing_trace, MIN(k.earliest_place) AS heard_place
FROM earliest k
JOIN edges e ON e.sender_trace = k.at_trace
JOIN unreached u ON u.trace_id = e.receiver_trace
GROUP BY e.receiver_trace

-- make frontier
SELECT h.hearing_trace, h.heard_place
FROM heard h
JOIN earliest k ON k.at_trace = h.hearing_trace
WHERE h.heard_place < k.earliest_place

-- make learned
SELECT k.at_trace AS learning_trace, COALESCE(f.heard_place, k.earliest_place) AS learned_place
FROM earliest k
LEFT JOIN frontier f ON f.hearing_trace = k.at_trace

-- make earliest
SELECT learning_trace AS at_trace, learned_place AS earliest_place FROM learned

-- part rings
-- The earliest of a ring is the earliest of all that lead to it.

-- make starting_points
SELECT u.trace_id
FROM unreached u
JOIN earliest k ON k.at_trace = u.trace_id
WHERE k.earliest_place = u.place_in_time

-- part leftovers
-- Never needed unless chains of rings are longer than the guard: nothing is lost, each is its own.

-- make starting_points
SELECT trace_id FROM unreached

-- part begin

-- make frontier
SELECT trace_id AS entry_trace, trace_id AS at_trace FROM starting_points

-- make walked
SELECT trace_id AS walked_entry, trace_id AS walked_trace FROM nodes WHERE 1 = 0

-- part walk
-- A round: who stands at the frontier belongs to the transaction; the frontier moves one edge on.

-- add walked
SELECT entry_trace AS walked_entry, at_trace AS walked_trace FROM frontier

-- make reached
SELECT DISTINCT f.entry_trace AS walking_entry, e.receiver_trace AS reached_trace
FROM frontier f
JOIN edges e ON e.sender_trace = f.at_trace

-- make frontier
SELECT r.walking_entry AS entry_trace, r.reached_trace AS at_trace
FROM reached r
LEFT JOIN walked w ON w.walked_entry = r.walking_entry AND w.walked_trace = r.reached_trace
WHERE w.walked_entry IS NULL

-- part settle
-- A starting point behind a ring is reached from the ring, and is none.

-- make behind
SELECT DISTINCT w.walked_trace AS behind_trace
FROM walked w
JOIN starting_points s ON s.trace_id = w.walked_trace
JOIN nodes entry_node ON entry_node.trace_id = w.walked_entry
JOIN nodes behind_node ON behind_node.trace_id = w.walked_trace
LEFT JOIN walked back ON back.walked_entry = w.walked_trace AND back.walked_trace = w.walked_entry
WHERE w.walked_entry <> w.walked_trace
  AND (back.walked_entry IS NULL OR entry_node.place_in_time < behind_node.place_in_time)

-- add members
SELECT w.walked_entry AS entry_trace, w.walked_trace AS member_trace
FROM walked w
LEFT JOIN behind b ON b.behind_trace = w.walked_entry
WHERE b.behind_trace IS NULL

-- Where the guard stopped the walk, the transaction is cut, and says so.
-- add cut
SELECT DISTINCT f.entry_trace
FROM frontier f
LEFT JOIN behind b ON b.behind_trace = f.entry_trace
WHERE b.behind_trace IS NULL

-- part fans
-- A trace that belongs to k transactions is shared by k.

-- make fans
SELECT member_trace, COUNT(*) AS fan
FROM members
GROUP BY member_trace

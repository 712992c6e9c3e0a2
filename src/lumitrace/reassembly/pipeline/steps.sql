-- The one place where log lines become transactions.
--
-- A transaction is everything caused by one entry: the trace of an entry, and all traces reached
-- from it along sender -> receiver edges. It is not a connected component: batches would glue
-- strangers together.
--
-- How to read it. "-- make T" says that the rows of the SELECT below become table T; "-- see T", that
-- they may be found anew at each reading; "-- add T", that they are added to T. "-- part P" begins a
-- part; the driver runs the parts in the order that pipeline/steps.py states, repeats a part that walks
-- until it finds nothing new, and leaves out a part for which there is nothing to do, and what stands
-- between two UNIONs where a table that it begins with or JOINs has no rows. So UNION stands at the
-- margin, one kind of it a statement, and every sum is one of a GROUP.
--
-- Portable SQL: integers and text only; no ordered aggregates, no recursion, no engine's own
-- percentiles; every tie is broken by an id; a column whose name is also an alias is named with its table;
-- GREATEST and LEAST stand in a COALESCE, as some engines answer NULL where one of them is.
--
-- What comes in (pipeline/lines.py reads it line by line; DuckDB reads what is regular faster):
--   streams     stream_id, log_group, log_stream
--   lines       one span line a row; its lists are lists of text
--   platform    stream_id, moment, what, request_id, …: what Lambda and its runtime said
--   The moment of a line is its time in milliseconds, or its number in a source without times.
--
-- From these the parts up to "rows" make what joins:
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
-- What comes out: invocations, details, hops, candidates, members, cut, fans; and the figures:
-- transactions, functions, calls, edges.

-- part frames
-- When an invocation began and ended in its stream, by Lambda's own lines. A sandbox runs one at a
-- time, and tries a request again under the same id: an attempt is one START.

-- make spoken
SELECT stream_id, request_id, SUM(CASE WHEN what = 'start' THEN 1 ELSE 0 END) AS starts,
       MIN(CASE WHEN what = 'start' THEN moment END) AS from_moment,
       MIN(CASE WHEN what IN ('end', 'report') THEN moment END) AS end_moment,
       MAX(CASE WHEN what IN ('end', 'report') THEN moment END) AS last_moment,
       MAX(CASE WHEN what IN ('end', 'report') THEN duration_us END) AS report_us,
       MAX(CASE WHEN what IN ('end', 'report') THEN billed_ms END) AS report_billed,
       MAX(CASE WHEN what IN ('end', 'report') THEN memory_mb END) AS report_memory,
       MAX(CASE WHEN what IN ('end', 'report') THEN max_memory_mb END) AS report_max,
       MAX(CASE WHEN what IN ('end', 'report') THEN init_us END) AS report_init,
       SUM(CASE WHEN what IN ('start', 'end') OR (what = 'report' AND failure_type IS NULL)
                THEN 1 ELSE 0 END) AS brackets,
       SUM(CASE WHEN what = 'raised' THEN 1 ELSE 0 END) AS raises,
       SUM(CASE WHEN what = 'managed' THEN 1 ELSE 0 END) AS managed
FROM platform
GROUP BY stream_id, request_id

-- Nearly every request has one START, and ends after it. Any other is looked at line by line.
-- make tried_again
SELECT stream_id, request_id
FROM spoken
WHERE starts > 1 OR (starts = 1 AND end_moment < from_moment)

-- see begun
SELECT stream_id, request_id, from_moment, end_moment
FROM spoken
WHERE starts = 1 AND (end_moment IS NULL OR end_moment >= from_moment)
UNION ALL
SELECT b.stream_id, b.request_id, b.moment AS from_moment, MIN(e.moment) AS end_moment
FROM tried_again r
JOIN platform b ON b.stream_id = r.stream_id AND b.request_id = r.request_id
LEFT JOIN platform e
  ON e.stream_id = b.stream_id AND e.request_id = b.request_id
  AND e.what IN ('end', 'report') AND e.moment >= b.moment
WHERE b.what = 'start'
GROUP BY b.stream_id, b.request_id, b.moment

-- make frames
SELECT b.stream_id, b.request_id, b.from_moment, b.end_moment,
       LAG(b.end_moment) OVER (
         PARTITION BY b.stream_id ORDER BY b.from_moment, b.end_moment, b.request_id) AS before_moment,
       LEAD(b.from_moment) OVER (
         PARTITION BY b.stream_id ORDER BY b.from_moment, b.end_moment, b.request_id) AS next_moment
FROM begun b

-- make bracketed
SELECT stream_id, MIN(from_moment) AS first_start
FROM spoken
WHERE request_id <> '' AND brackets > 0
GROUP BY stream_id

-- A stream whose STARTs and ENDs are not one pair after another is read line by line (pipeline/
-- apart.py): a line within an invocation may have been printed by anybody. So is one of several
-- processes, and one in which Lambda speaks of failures alone.
-- make odd_streams
SELECT f.stream_id FROM frames f
WHERE f.next_moment IS NOT NULL AND (f.end_moment IS NULL OR f.next_moment < f.end_moment)
UNION
SELECT m.stream_id FROM spoken m WHERE m.managed > 0
UNION
SELECT s.stream_id
FROM spoken s
JOIN bracketed k ON k.stream_id = s.stream_id
WHERE s.starts = 0 AND s.request_id <> '' AND s.last_moment >= k.first_start
UNION
SELECT s.stream_id
FROM spoken s
LEFT JOIN bracketed k ON k.stream_id = s.stream_id
WHERE k.stream_id IS NULL AND (s.request_id <> '' OR s.raises > 0)

-- see attempts
SELECT f.stream_id, f.request_id, f.from_moment, f.before_moment, f.next_moment,
       COALESCE(f.end_moment, 9007199254740992) AS until_moment,
       CASE WHEN f.end_moment IS NULL THEN 0 ELSE 1 END AS ended
FROM frames f
LEFT JOIN odd_streams o ON o.stream_id = f.stream_id
WHERE o.stream_id IS NULL

-- A line of ours counts where its request id is that of the invocation around it. All lines of a
-- request are judged at once where they lie in its one attempt.

-- make spoken_of
SELECT l.stream_id, l.line_request, MIN(l.moment) AS first_moment, MAX(l.moment) AS last_moment,
       MAX(CASE WHEN l.record = 'invocation' THEN 1 ELSE 0 END) AS told_end,
       MIN(CASE WHEN l.record IN ('start', 'invocation') THEN l.line_span END) AS first_handler,
       MAX(CASE WHEN l.record IN ('start', 'invocation') THEN l.line_span END) AS last_handler,
       MAX(l.is_odd) AS any_odd
FROM lines l
JOIN bracketed b ON b.stream_id = l.stream_id
GROUP BY l.stream_id, l.line_request

-- make judged_requests
SELECT w.stream_id, w.line_request, w.told_end, w.first_handler, w.last_handler, w.any_odd,
       COALESCE(a.from_moment, 0) AS attempt_moment,
       CASE WHEN o.stream_id IS NULL AND r.stream_id IS NULL AND a.stream_id IS NOT NULL
            THEN 1 ELSE 0 END AS is_plain
FROM spoken_of w
LEFT JOIN odd_streams o ON o.stream_id = w.stream_id
LEFT JOIN tried_again r ON r.stream_id = w.stream_id AND r.request_id = w.line_request
LEFT JOIN frames a
  ON a.stream_id = w.stream_id AND a.request_id = w.line_request
  AND w.first_moment >= a.from_moment
  AND w.last_moment <= COALESCE(a.end_moment, 9007199254740992)

-- A stream without lines of Lambda's is believed at a line's beginning.
-- make doubted
SELECT j.stream_id, j.line_request
FROM judged_requests j
WHERE j.is_plain = 0
UNION
SELECT l.stream_id, l.line_request
FROM lines l
LEFT JOIN bracketed b ON b.stream_id = l.stream_id
LEFT JOIN odd_streams o ON o.stream_id = l.stream_id
WHERE b.stream_id IS NULL
  AND (l.at_start = 0 OR l.line_request = '' OR o.stream_id IS NOT NULL)

-- make trusted
SELECT l.place, l.at_start, l.stream_id, l.line_request, l.record, l.line_span, l.is_odd,
       COALESCE(a.from_moment, 0) AS attempt_moment,
       CASE WHEN a.stream_id IS NULL THEN 0 ELSE 1 END AS in_attempt
FROM doubted d
JOIN lines l ON l.stream_id = d.stream_id AND l.line_request = d.line_request
LEFT JOIN odd_streams o ON o.stream_id = l.stream_id
LEFT JOIN bracketed b ON b.stream_id = l.stream_id
LEFT JOIN attempts a
  ON a.stream_id = l.stream_id AND a.request_id = l.line_request
  AND l.moment BETWEEN a.from_moment AND a.until_moment
WHERE o.stream_id IS NULL
  AND (a.stream_id IS NOT NULL
       OR (b.stream_id IS NULL AND l.at_start = 1 AND l.line_request <> ''))

-- part odd
-- What is not plain goes through the reading line by line, and comes back as rows. Plain is an
-- attempt that ended, whose handler's line says how, of which Lambda says no failure, and which wrote
-- nothing that only the whole attempt explains. One that wrote no lines is plain unless it failed.

-- What is told of an attempt; of a stream without Lambda's lines, only where some of it is doubted.
-- see told_of
SELECT j.stream_id, j.line_request, j.attempt_moment, 1 AS in_attempt, j.told_end, j.first_handler,
       j.last_handler, j.any_odd
FROM judged_requests j
WHERE j.is_plain = 1
UNION ALL
SELECT l.stream_id, l.line_request, l.attempt_moment, l.in_attempt,
       MAX(CASE WHEN l.record = 'invocation' THEN 1 ELSE 0 END) AS told_end,
       MIN(CASE WHEN l.record IN ('start', 'invocation') THEN l.line_span END) AS first_handler,
       MAX(CASE WHEN l.record IN ('start', 'invocation') THEN l.line_span END) AS last_handler,
       MAX(l.is_odd) AS any_odd
FROM trusted l
GROUP BY l.stream_id, l.line_request, l.attempt_moment, l.in_attempt

-- What the runtime says of an error, without a request id, is about the attempt that runs then: the
-- latest to begin, or one that ends at that very moment.
-- make nameless
SELECT DISTINCT p.stream_id, p.moment, p.failure_type
FROM platform p
WHERE p.what = 'raised' AND p.request_id = ''

-- see beside_nameless
SELECT n.stream_id, n.moment AS at_moment, CAST(NULL AS BIGINT) AS start_moment, 0 AS is_start
FROM nameless n
UNION ALL
SELECT a.stream_id, a.from_moment AS at_moment, a.from_moment AS start_moment, 1 AS is_start
FROM attempts a
JOIN (SELECT DISTINCT stream_id FROM nameless) k ON k.stream_id = a.stream_id

-- make latest_begun
SELECT w.stream_id, w.at_moment, MAX(w.begun_moment) AS from_moment
FROM (
  SELECT t.stream_id, t.at_moment,
         MAX(t.start_moment) OVER (
           PARTITION BY t.stream_id ORDER BY t.at_moment
           RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS begun_moment, t.is_start
  FROM beside_nameless t
) w
WHERE w.is_start = 0
GROUP BY w.stream_id, w.at_moment

-- make raised_in
SELECT a.stream_id, a.request_id, a.from_moment, p.failure_type
FROM platform p
JOIN attempts a ON a.stream_id = p.stream_id AND a.request_id = p.request_id
WHERE p.what = 'raised' AND p.request_id <> ''
  AND p.moment BETWEEN a.from_moment AND a.until_moment
UNION
SELECT a.stream_id, a.request_id, a.from_moment, n.failure_type
FROM nameless n
JOIN latest_begun b ON b.stream_id = n.stream_id AND b.at_moment = n.moment
JOIN attempts a ON a.stream_id = b.stream_id AND a.from_moment = b.from_moment
WHERE n.moment <= a.until_moment
UNION
SELECT a.stream_id, a.request_id, a.from_moment, n.failure_type
FROM nameless n
JOIN attempts a ON a.stream_id = n.stream_id AND a.until_moment = n.moment
WHERE a.from_moment <= n.moment

-- make odd_requests
SELECT a.stream_id, a.request_id FROM attempts a WHERE a.ended = 0
UNION
SELECT t.stream_id, t.line_request AS request_id
FROM told_of t
WHERE t.in_attempt = 1
  AND (t.told_end = 0 OR t.any_odd = 1 OR t.first_handler <> t.last_handler)
UNION
SELECT p.stream_id, p.request_id
FROM platform p
WHERE p.failure_type IS NOT NULL AND p.request_id <> ''
  AND (p.what <> 'raised' OR p.failure_type LIKE 'Runtime.%')
UNION
SELECT r.stream_id, r.request_id
FROM raised_in r
LEFT JOIN told_of t
  ON t.stream_id = r.stream_id AND t.line_request = r.request_id
  AND t.attempt_moment = r.from_moment
WHERE r.failure_type LIKE 'Runtime.%' OR t.told_end IS NULL
UNION
SELECT t.stream_id, t.line_request AS request_id
FROM told_of t
WHERE t.attempt_moment = 0 AND t.any_odd = 1
UNION
SELECT l.stream_id, l.line_request AS request_id
FROM lines l
LEFT JOIN bracketed b ON b.stream_id = l.stream_id
LEFT JOIN doubted d ON d.stream_id = l.stream_id AND d.line_request = l.line_request
WHERE l.is_odd = 1 AND b.stream_id IS NULL AND d.stream_id IS NULL
UNION
SELECT a.stream_id, a.request_id
FROM platform p
JOIN attempts a ON a.stream_id = p.stream_id
LEFT JOIN told_of t
  ON t.stream_id = a.stream_id AND t.line_request = a.request_id
  AND t.attempt_moment = a.from_moment
WHERE p.what = 'init_report' AND p.failure_type IS NOT NULL AND t.stream_id IS NULL
  AND p.moment >= COALESCE(a.before_moment, 0) AND p.moment <= a.until_moment
UNION
SELECT a.stream_id, a.request_id
FROM platform p
JOIN bracketed k ON k.stream_id = p.stream_id
JOIN attempts a ON a.stream_id = p.stream_id AND a.from_moment = k.first_start
WHERE p.what IN ('end', 'report') AND p.request_id <> '' AND p.moment < k.first_start

-- From when until when it has to be read: what lies between two attempts may belong to either.
-- make stretches
SELECT o.stream_id, 0 AS after_moment, 9007199254740992 AS until_moment
FROM odd_streams o
UNION
SELECT a.stream_id, COALESCE(a.before_moment, 0) AS after_moment,
       COALESCE(a.next_moment, 9007199254740992) AS until_moment
FROM attempts a
JOIN odd_requests q ON q.stream_id = a.stream_id AND q.request_id = a.request_id
UNION
SELECT q.stream_id, 0 AS after_moment, 9007199254740992 AS until_moment
FROM odd_requests q
LEFT JOIN bracketed k ON k.stream_id = q.stream_id
WHERE k.stream_id IS NULL
UNION
SELECT p.stream_id, 0 AS after_moment, COALESCE(k.first_start, 9007199254740992) AS until_moment
FROM platform p
JOIN bracketed k ON k.stream_id = p.stream_id
WHERE p.what IN ('end', 'report') AND p.request_id <> ''
  AND (k.first_start IS NULL OR p.moment < k.first_start)

-- What lies in a stretch and is plain is not read again.
-- see plain_requests
SELECT DISTINCT a.stream_id, a.request_id
FROM attempts a
JOIN (SELECT DISTINCT stream_id FROM stretches) s ON s.stream_id = a.stream_id
LEFT JOIN odd_requests q ON q.stream_id = a.stream_id AND q.request_id = a.request_id
WHERE q.stream_id IS NULL
UNION
SELECT DISTINCT t.stream_id, t.line_request AS request_id
FROM told_of t
JOIN (SELECT DISTINCT stream_id FROM stretches) s ON s.stream_id = t.stream_id
LEFT JOIN odd_requests q ON q.stream_id = t.stream_id AND q.request_id = t.line_request
WHERE t.attempt_moment = 0 AND q.stream_id IS NULL
UNION
SELECT l.stream_id, l.line_request AS request_id
FROM lines l
JOIN (SELECT DISTINCT stream_id FROM stretches) s ON s.stream_id = l.stream_id
LEFT JOIN bracketed b ON b.stream_id = l.stream_id
LEFT JOIN doubted d ON d.stream_id = l.stream_id AND d.line_request = l.line_request
LEFT JOIN odd_requests q ON q.stream_id = l.stream_id AND q.request_id = l.line_request
WHERE b.stream_id IS NULL AND d.stream_id IS NULL AND q.stream_id IS NULL

-- The function whose stream it is.
-- see stream_names
SELECT l.stream_id, MIN(l.line_name) AS function_name
FROM lines l
LEFT JOIN doubted d ON d.stream_id = l.stream_id AND d.line_request = l.line_request
LEFT JOIN trusted t
  ON t.place = l.place AND t.at_start = l.at_start AND t.stream_id = l.stream_id
  AND t.line_request = l.line_request
WHERE l.record IN ('start', 'invocation') AND l.line_name <> ''
  AND (d.stream_id IS NULL OR t.place IS NOT NULL)
GROUP BY l.stream_id

-- Lines that nobody believes, and those of requests that are read line by line.
-- make dropped
SELECT l.place, l.at_start, l.stream_id, l.line_request
FROM doubted d
JOIN lines l ON l.stream_id = d.stream_id AND l.line_request = d.line_request
LEFT JOIN trusted t
  ON t.place = l.place AND t.at_start = l.at_start AND t.stream_id = l.stream_id
  AND t.line_request = l.line_request
WHERE t.place IS NULL
UNION
SELECT l.place, l.at_start, l.stream_id, l.line_request
FROM odd_requests q
JOIN lines l ON l.stream_id = q.stream_id AND l.line_request = q.request_id

-- see plain_lines
SELECT l.* FROM lines l

-- part drop
-- Only where lines are dropped.

-- see plain_lines
SELECT l.*
FROM lines l
LEFT JOIN dropped d
  ON d.place = l.place AND d.at_start = l.at_start AND d.stream_id = l.stream_id
  AND d.line_request = l.line_request
WHERE d.place IS NULL

-- part invocations
-- What Lambda measured of an attempt, and when it was last heard of.

-- make reported_again
SELECT a.stream_id, a.request_id, a.from_moment, a.until_moment, MAX(p.duration_us) AS report_us,
       MAX(p.billed_ms) AS report_billed, MAX(p.memory_mb) AS report_memory,
       MAX(p.max_memory_mb) AS report_max, MAX(p.init_us) AS report_init,
       MAX(p.moment) AS last_moment
FROM (
  SELECT t.stream_id, t.request_id, t.from_moment, t.until_moment,
         COALESCE(LEAD(t.from_moment) OVER (
           PARTITION BY t.stream_id, t.request_id ORDER BY t.from_moment), 9007199254740992)
           AS again_moment
  FROM attempts t
  JOIN tried_again r ON r.stream_id = t.stream_id AND r.request_id = t.request_id
) a
JOIN platform p ON p.stream_id = a.stream_id AND p.request_id = a.request_id
WHERE p.what IN ('end', 'report') AND p.moment >= a.from_moment AND p.moment < a.again_moment
GROUP BY a.stream_id, a.request_id, a.from_moment, a.until_moment

-- see reported
SELECT s.stream_id, s.request_id, s.from_moment, s.end_moment AS until_moment, s.report_us,
       s.report_billed, s.report_memory, s.report_max, s.report_init, s.last_moment
FROM spoken s
LEFT JOIN odd_streams o ON o.stream_id = s.stream_id
WHERE s.starts = 1 AND s.end_moment >= s.from_moment AND o.stream_id IS NULL
UNION ALL
SELECT g.stream_id, g.request_id, g.from_moment, g.until_moment, g.report_us,
       g.report_billed, g.report_memory, g.report_max, g.report_init, g.last_moment
FROM reported_again g

-- The handler's own span: the start line, the invocation line, and whatever flushes told of it. Nearly
-- every handler has one of each, or the last alone.
-- make unlike_handlers
SELECT l.line_span AS span_id
FROM plain_lines l
WHERE l.record IN ('start', 'invocation') OR (l.record = 'calls' AND l.line_name = '')
GROUP BY l.line_span
HAVING COUNT(*) > 2 OR SUM(CASE WHEN l.record = 'invocation' THEN 1 ELSE 0 END) <> 1
  OR SUM(CASE WHEN l.record = 'start' THEN 1 ELSE 0 END) <> COUNT(*) - 1

-- see pairs
SELECT e.line_span AS span_id, e.line_trace AS trace_id, e.stream_id AS at_stream,
       e.line_request AS request_id, COALESCE(LEAST(e.moment, b.moment), e.moment) AS first_moment,
       COALESCE(GREATEST(e.moment, b.moment), e.moment) AS last_moment,
       COALESCE(GREATEST(e.line_parent, b.line_parent), e.line_parent) AS parent_id,
       COALESCE(GREATEST(e.line_name, b.line_name), e.line_name) AS function_name,
       COALESCE(GREATEST(e.line_kind, b.line_kind), e.line_kind) AS kind,
       CASE WHEN e.line_start_us > 0 AND (b.line_start_us IS NULL OR b.line_start_us <= 0
                                          OR b.line_start_us >= e.line_start_us)
            THEN e.line_start_us WHEN b.line_start_us > 0 THEN b.line_start_us ELSE 0 END AS start_us,
       e.line_duration_us AS duration_us, e.line_status AS status,
       e.line_error_type AS error_type, e.line_error_code AS error_code,
       e.line_error_message AS error_message,
       COALESCE(GREATEST(e.line_trigger, b.line_trigger), e.line_trigger) AS trigger_name,
       COALESCE(GREATEST(e.line_route, b.line_route), e.line_route) AS route,
       COALESCE(GREATEST(e.line_source, b.line_source), e.line_source) AS source_name,
       COALESCE(GREATEST(e.line_xray, b.line_xray), e.line_xray) AS xray_root,
       COALESCE(GREATEST(e.line_received, b.line_received), e.line_received) AS receive_count,
       1 AS told_end, COALESCE(GREATEST(e.unsampled, b.unsampled), e.unsampled) AS unsampled
FROM plain_lines e
LEFT JOIN (SELECT * FROM plain_lines WHERE record = 'start') b ON b.line_span = e.line_span
WHERE e.record = 'invocation'

-- see handlers
SELECT p.* FROM pairs p

-- part unlike
-- Only where a handler has other lines than these.

-- see handlers
SELECT p.*
FROM pairs p
LEFT JOIN unlike_handlers u ON u.span_id = p.span_id
WHERE u.span_id IS NULL
UNION ALL
SELECT l.line_span AS span_id,
       COALESCE(MIN(CASE WHEN l.record = 'invocation' THEN l.line_trace END), MIN(l.line_trace))
         AS trace_id,
       COALESCE(MIN(CASE WHEN l.record = 'invocation' THEN l.stream_id END), MIN(l.stream_id))
         AS at_stream,
       COALESCE(MIN(CASE WHEN l.record = 'invocation' THEN l.line_request END), MIN(l.line_request))
         AS request_id,
       MIN(l.moment) AS first_moment, MAX(l.moment) AS last_moment, MAX(l.line_parent) AS parent_id,
       MAX(l.line_name) AS function_name, MAX(l.line_kind) AS kind,
       COALESCE(MIN(CASE WHEN l.line_start_us > 0 THEN l.line_start_us END), 0) AS start_us,
       MAX(CASE WHEN l.record = 'invocation' THEN l.line_duration_us END) AS duration_us,
       COALESCE(MAX(CASE WHEN l.record = 'invocation' THEN l.line_status END), 0) AS status,
       MAX(CASE WHEN l.record = 'invocation' THEN l.line_error_type END) AS error_type,
       MAX(CASE WHEN l.record = 'invocation' THEN l.line_error_code END) AS error_code,
       MAX(CASE WHEN l.record = 'invocation' THEN l.line_error_message END) AS error_message,
       MAX(l.line_trigger) AS trigger_name, MAX(l.line_route) AS route,
       MAX(l.line_source) AS source_name, MAX(l.line_xray) AS xray_root,
       MAX(l.line_received) AS receive_count,
       MAX(CASE WHEN l.record = 'invocation' THEN 1 ELSE 0 END) AS told_end,
       MAX(l.unsampled) AS unsampled
FROM unlike_handlers u
JOIN plain_lines l ON l.line_span = u.span_id
WHERE l.record IN ('start', 'invocation') OR (l.record = 'calls' AND l.line_name = '')
GROUP BY l.line_span

-- part handlers

-- A moment below the year 1973 is the number of a line: its source has no times.
-- make invocations
SELECT h.span_id, h.trace_id, h.parent_id, h.at_stream, h.request_id, h.function_name, h.kind,
       h.start_us, h.duration_us, h.status, CASE WHEN h.status = 2 THEN h.error_type END AS error_type,
       CASE WHEN h.status = 2 THEN h.error_code END AS error_code,
       CASE WHEN h.status = 2 THEN h.error_message END AS error_message,
       h.trigger_name, h.route, h.source_name, h.xray_root, h.receive_count, h.first_moment,
       h.told_end AS ended, r.report_us, r.report_billed AS billed_ms, r.report_memory AS memory_mb,
       r.report_max AS max_memory_mb, r.report_init AS init_us, h.unsampled,
       CASE WHEN r.last_moment > 100000000000 AND r.last_moment >= h.last_moment
            THEN r.last_moment * 1000
            WHEN h.last_moment > 100000000000 THEN h.last_moment * 1000 ELSE 0 END AS heard_us
FROM handlers h
LEFT JOIN reported r
  ON r.stream_id = h.at_stream AND r.request_id = h.request_id
  AND h.first_moment BETWEEN r.from_moment AND r.until_moment

-- part unfold

-- Spans with a line of their own.
-- make told
SELECT l.line_span AS span_id, MIN(l.line_trace) AS trace_id, MAX(l.line_parent) AS parent_id,
       MIN(l.stream_id) AS at_stream, MIN(l.line_request) AS request_id,
       MIN(l.moment) AS said_moment,
       CASE WHEN MAX(l.line_operation) <> '' OR MAX(l.line_kind) IN ('CLIENT', 'PRODUCER') THEN 'call'
            WHEN MAX(l.line_kind) = 'CONSUMER' OR MAX(l.has_record) = 1 THEN 'record'
            ELSE 'custom' END AS role,
       MAX(l.line_name) AS span_name, MIN(l.line_start_us) AS start_us,
       MAX(l.line_start_us + l.line_duration_us) - MIN(l.line_start_us) AS duration_us,
       MAX(l.line_operation) AS operation, MAX(l.line_resource) AS resource,
       MAX(l.line_http) AS http_status, MAX(l.line_status) AS status,
       MAX(l.line_error_type) AS error_type, MAX(l.line_error_code) AS error_code,
       MAX(l.line_error_message) AS error_message, MAX(l.line_record_id) AS record_id,
       MAX(l.line_received) AS receive_count
FROM plain_lines l
WHERE l.record = 'span'
GROUP BY l.line_span

-- Spans that were told of only as the owner of calls.
-- make owners
SELECT l.line_span AS span_id, MIN(l.line_trace) AS trace_id, MAX(l.line_parent) AS parent_id,
       MIN(l.stream_id) AS at_stream, MIN(l.line_request) AS request_id,
       MIN(l.moment) AS said_moment,
       CASE WHEN MAX(l.line_kind) = 'CONSUMER' THEN 'record' ELSE 'custom' END AS role,
       MAX(l.line_name) AS span_name, MIN(l.line_start_us + l.offset_us) AS start_us
FROM plain_lines l
LEFT JOIN told t ON t.span_id = l.line_span
LEFT JOIN invocations h ON h.span_id = l.line_span
WHERE l.record = 'calls' AND l.line_name <> '' AND t.span_id IS NULL AND h.span_id IS NULL
GROUP BY l.line_span

-- Calls that succeeded: entries of their parent's line.
-- make listed
SELECT u.entry[1] AS span_id, u.line_trace AS trace_id, u.line_span AS parent_id,
       u.stream_id AS at_stream, u.line_request AS request_id, u.moment AS said_moment,
       u.entry[2] AS operation, COALESCE(u.entry[3], '') AS resource,
       u.base_us + COALESCE(TRY_CAST(u.entry[4] AS BIGINT), 0) AS start_us,
       COALESCE(TRY_CAST(u.entry[5] AS BIGINT), 0) AS duration_us,
       COALESCE(TRY_CAST(u.entry[6] AS BIGINT), 0) AS http_status,
       CASE WHEN LENGTH(u.entry[7]) > 4 THEN u.entry[7] END AS key_list
FROM (
  SELECT l.line_trace, l.line_span, l.stream_id, l.line_request, l.moment, l.base_us,
         UNNEST(l.calls) AS entry
  FROM plain_lines l
) u
WHERE LENGTH(u.entry[1]) = 16 AND u.entry[2] IS NOT NULL

-- Records that succeeded: entries of the batch's line.
-- make batched
SELECT u.entry[1] AS span_id, u.entry[2] AS trace_id, COALESCE(u.entry[3], '') AS parent_id,
       u.stream_id AS at_stream, u.line_request AS request_id, u.moment AS said_moment,
       COALESCE(u.entry[4], '') AS record_id,
       u.base_us + COALESCE(TRY_CAST(u.entry[5] AS BIGINT), 0) AS start_us,
       COALESCE(TRY_CAST(u.entry[6] AS BIGINT), 0) AS duration_us,
       COALESCE(u.entry[7], '') AS key_told, u.line_trace AS batch_trace, u.line_span AS batch_span
FROM (
  SELECT l.line_trace, l.line_span, l.stream_id, l.line_request, l.moment, l.base_us,
         UNNEST(l.records) AS entry
  FROM plain_lines l
) u
WHERE LENGTH(u.entry[1]) = 16 AND LENGTH(u.entry[2]) = 32

-- Calls that are told in sums: one span for all calls of an operation and a resource.
-- make summed
SELECT SUBSTR(SHA256(u.line_span || CHR(0) || u.entry[1] || CHR(0) || u.entry[2]), 1, 16) AS span_id,
       u.line_trace AS trace_id, u.line_span AS parent_id, u.stream_id AS at_stream,
       u.line_request AS request_id, u.moment AS said_moment, u.entry[1] AS operation,
       u.entry[2] AS resource, COALESCE(TRY_CAST(u.entry[3] AS BIGINT), 0) AS call_count,
       COALESCE(TRY_CAST(u.entry[4] AS BIGINT), 0) AS duration_us,
       CASE WHEN LENGTH(u.entry[5]) > 4 THEN u.entry[5] END AS key_list
FROM (
  SELECT l.line_trace, l.line_span, l.stream_id, l.line_request, l.moment,
         UNNEST(l.summary) AS entry
  FROM plain_lines l
) u
WHERE u.entry[1] IS NOT NULL AND u.entry[2] IS NOT NULL

-- make sums
SELECT m.span_id, MIN(m.trace_id) AS sum_trace, MIN(m.parent_id) AS sum_parent,
       MIN(m.at_stream) AS sum_stream, MIN(m.request_id) AS sum_request,
       MIN(m.said_moment) AS sum_moment, MIN(m.operation) AS sum_operation,
       MIN(m.resource) AS sum_resource, MAX(m.call_count) AS sum_count,
       MAX(m.duration_us) AS sum_duration,
       MAX(CASE WHEN m.key_list IS NULL THEN 0 ELSE 1 END) AS has_keys
FROM summed m
GROUP BY m.span_id

-- part once
-- Only where a span came twice: lines are delivered at least once.

-- make listed_once
SELECT l.span_id, MIN(l.trace_id) AS one_trace, MIN(l.parent_id) AS one_parent,
       MIN(l.at_stream) AS one_stream, MIN(l.request_id) AS one_request,
       MIN(l.said_moment) AS one_moment, MIN(l.operation) AS one_operation,
       MIN(l.resource) AS one_resource, MIN(l.start_us) AS one_start,
       MAX(l.duration_us) AS one_duration, MAX(l.http_status) AS one_http,
       MAX(l.key_list) AS one_list
FROM listed l
GROUP BY l.span_id

-- make listed
SELECT span_id, one_trace AS trace_id, one_parent AS parent_id, one_stream AS at_stream,
       one_request AS request_id, one_moment AS said_moment, one_operation AS operation,
       one_resource AS resource, one_start AS start_us, one_duration AS duration_us,
       one_http AS http_status, one_list AS key_list
FROM listed_once

-- make batched_once
SELECT b.span_id, MIN(b.trace_id) AS one_trace, MIN(b.parent_id) AS one_parent,
       MIN(b.at_stream) AS one_stream, MIN(b.request_id) AS one_request,
       MIN(b.said_moment) AS one_moment, MIN(b.record_id) AS one_record,
       MIN(b.start_us) AS one_start, MAX(b.start_us + b.duration_us) - MIN(b.start_us) AS one_duration,
       MAX(b.key_told) AS one_key, MIN(b.batch_trace) AS one_batch_trace,
       MIN(b.batch_span) AS one_batch_span
FROM batched b
GROUP BY b.span_id

-- make batched
SELECT span_id, one_trace AS trace_id, one_parent AS parent_id, one_stream AS at_stream,
       one_request AS request_id, one_moment AS said_moment, one_record AS record_id,
       one_start AS start_us, one_duration AS duration_us, one_key AS key_told,
       one_batch_trace AS batch_trace, one_batch_span AS batch_span
FROM batched_once

-- part open
-- A call that was announced and never seen to end.

-- make opened
SELECT o.span_id, MIN(o.trace_id) AS open_trace, MIN(o.parent_id) AS open_parent,
       MIN(o.stream_id) AS open_stream, MIN(o.request_id) AS open_request,
       MIN(o.moment) AS open_moment, MIN(o.operation) AS open_operation,
       MIN(o.resource) AS open_resource, MIN(o.start_us) AS open_start
FROM (
  SELECT l.opened[1] AS span_id, l.line_trace AS trace_id, l.line_span AS parent_id, l.stream_id,
         l.line_request AS request_id, l.moment, l.opened[2] AS operation,
         COALESCE(l.opened[3], '') AS resource,
         l.base_us + COALESCE(TRY_CAST(l.opened[4] AS BIGINT), 0) AS start_us
  FROM plain_lines l
  WHERE l.opened IS NOT NULL
) o
LEFT JOIN listed e ON e.span_id = o.span_id
LEFT JOIN told t ON t.span_id = o.span_id
WHERE LENGTH(o.span_id) = 16 AND o.operation IS NOT NULL
  AND e.span_id IS NULL AND t.span_id IS NULL
GROUP BY o.span_id

-- part details
-- Every span once: its own line says more than an entry, an entry more than an announcement. What is
-- not said is cast too: a branch may be the only one with rows, and says the types of the columns.

-- A listed call that has a line of its own too: a retry that was told in between.
-- make told_apart
SELECT t.span_id FROM told t JOIN listed e ON e.span_id = t.span_id

-- make few_details
SELECT t.span_id, t.trace_id, t.parent_id, t.at_stream, t.request_id, t.said_moment, t.role,
       t.start_us, t.duration_us, t.operation, t.resource, t.http_status, t.status,
       t.error_type, t.error_code, t.error_message, t.record_id, t.receive_count,
       CAST(0 AS BIGINT) AS call_count, t.start_us + COALESCE(t.duration_us, 0) AS end_us
FROM told t
LEFT JOIN invocations h ON h.span_id = t.span_id
WHERE h.span_id IS NULL
UNION ALL
SELECT b.span_id, b.trace_id, b.parent_id, b.at_stream, b.request_id, b.said_moment,
       'record' AS role, b.start_us, b.duration_us, '' AS operation, '' AS resource,
       CAST(0 AS BIGINT) AS http_status, CAST(0 AS BIGINT) AS status, CAST(NULL AS TEXT) AS error_type,
       CAST(NULL AS TEXT) AS error_code, CAST(NULL AS TEXT) AS error_message,
       b.record_id, CAST(0 AS BIGINT) AS receive_count, CAST(0 AS BIGINT) AS call_count,
       b.start_us + b.duration_us AS end_us
FROM batched b
LEFT JOIN told t ON t.span_id = b.span_id
WHERE t.span_id IS NULL
UNION ALL
SELECT o.span_id, o.open_trace AS trace_id, o.open_parent AS parent_id, o.open_stream AS at_stream,
       o.open_request AS request_id, o.open_moment AS said_moment, 'call' AS role,
       o.open_start AS start_us, CAST(NULL AS BIGINT) AS duration_us, o.open_operation AS operation,
       o.open_resource AS resource, CAST(0 AS BIGINT) AS http_status, CAST(0 AS BIGINT) AS status,
       CAST(NULL AS TEXT) AS error_type, CAST(NULL AS TEXT) AS error_code,
       CAST(NULL AS TEXT) AS error_message, '' AS record_id, CAST(0 AS BIGINT) AS receive_count,
       CAST(0 AS BIGINT) AS call_count, o.open_start AS end_us
FROM opened o
UNION ALL
SELECT w.span_id, w.trace_id, w.parent_id, w.at_stream, w.request_id, w.said_moment, w.role,
       w.start_us, CAST(NULL AS BIGINT) AS duration_us, '' AS operation, '' AS resource,
       CAST(0 AS BIGINT) AS http_status, CAST(0 AS BIGINT) AS status, CAST(NULL AS TEXT) AS error_type,
       CAST(NULL AS TEXT) AS error_code, CAST(NULL AS TEXT) AS error_message,
       '' AS record_id, CAST(0 AS BIGINT) AS receive_count, CAST(0 AS BIGINT) AS call_count,
       w.start_us AS end_us
FROM owners w
UNION ALL
SELECT m.span_id, m.sum_trace AS trace_id, m.sum_parent AS parent_id, m.sum_stream AS at_stream,
       m.sum_request AS request_id, m.sum_moment AS said_moment, 'call' AS role,
       COALESCE(h.start_us, t.start_us, 0) AS start_us, m.sum_duration AS duration_us,
       m.sum_operation AS operation, m.sum_resource AS resource,
       CAST(0 AS BIGINT) AS http_status, CAST(0 AS BIGINT) AS status,
       CAST(NULL AS TEXT) AS error_type, CAST(NULL AS TEXT) AS error_code,
       CAST(NULL AS TEXT) AS error_message, '' AS record_id, CAST(0 AS BIGINT) AS receive_count,
       m.sum_count AS call_count,
       CASE WHEN m.sum_count > 0
            THEN COALESCE(h.start_us + COALESCE(h.duration_us, 0),
                          t.start_us + COALESCE(t.duration_us, 0), 0)
            ELSE COALESCE(h.start_us, t.start_us, 0) + m.sum_duration END AS end_us
FROM sums m
LEFT JOIN invocations h ON h.span_id = m.sum_parent
LEFT JOIN told t ON t.span_id = m.sum_parent

-- see listed_details
SELECT e.span_id, e.trace_id, e.parent_id, e.at_stream, e.request_id, e.said_moment, 'call' AS role,
       e.start_us, e.duration_us, e.operation, e.resource, e.http_status, CAST(0 AS BIGINT) AS status,
       CAST(NULL AS TEXT) AS error_type, CAST(NULL AS TEXT) AS error_code,
       CAST(NULL AS TEXT) AS error_message, '' AS record_id, CAST(0 AS BIGINT) AS receive_count,
       CAST(0 AS BIGINT) AS call_count, e.start_us + e.duration_us AS end_us
FROM listed e

-- see plain_details
SELECT e.* FROM listed_details e
UNION ALL
SELECT f.* FROM few_details f

-- part apart
-- Only where a call is told of twice.

-- see plain_details
SELECT e.*
FROM listed_details e
LEFT JOIN told_apart t ON t.span_id = e.span_id
WHERE t.span_id IS NULL
UNION ALL
SELECT f.* FROM few_details f

-- part told
-- What was read line by line; a span that stands in two log streams is one.

-- make told_invocations
SELECT o.*
FROM odd_invocations o
JOIN (SELECT span_id, MIN(at_stream) AS one_stream FROM odd_invocations GROUP BY span_id) f
  ON f.span_id = o.span_id AND f.one_stream = o.at_stream
LEFT JOIN invocations i ON i.span_id = o.span_id
WHERE i.span_id IS NULL

-- add invocations
SELECT n.* FROM told_invocations n

-- make new_details
SELECT o.*
FROM odd_details o
JOIN (SELECT span_id, MIN(at_stream) AS one_stream FROM odd_details GROUP BY span_id) f
  ON f.span_id = o.span_id AND f.one_stream = o.at_stream
LEFT JOIN plain_details d ON d.span_id = o.span_id
LEFT JOIN invocations i ON i.span_id = o.span_id
WHERE d.span_id IS NULL AND i.span_id IS NULL

-- see details
SELECT d.* FROM plain_details d
UNION ALL
SELECT n.* FROM new_details n

-- part keys
-- What was sent; and invocations without span lines, where somebody names their request id.

-- make line_keys
SELECT l.line_trace, l.line_span, UNNEST(l.line_in) AS link_key
FROM plain_lines l
WHERE l.line_in IS NOT NULL

-- make sent
SELECT u.link_key, u.trace_id, u.span_id
FROM (
  SELECT e.trace_id, e.span_id,
         UNNEST(STRING_SPLIT(SUBSTR(e.key_list, 3, LENGTH(e.key_list) - 4), '","')) AS link_key
  FROM listed e
  WHERE e.key_list IS NOT NULL
) u
UNION ALL
SELECT u.link_key, u.line_trace AS trace_id, u.line_span AS span_id
FROM (SELECT l.line_trace, l.line_span, UNNEST(l.line_out) AS link_key FROM plain_lines l) u
UNION ALL
SELECT u.link_key, u.trace_id, u.span_id
FROM (
  SELECT m.trace_id, m.span_id,
         UNNEST(STRING_SPLIT(SUBSTR(m.key_list, 3, LENGTH(m.key_list) - 4), '","')) AS link_key
  FROM summed m
  WHERE m.key_list IS NOT NULL
) u
UNION ALL
SELECT o.link_key, o.trace_id, o.span_id FROM odd_sent o

-- make named
SELECT SUBSTR(k.link_key, 8) AS named_request FROM sent k WHERE k.link_key LIKE 'lambda:%'
UNION
SELECT SUBSTR(u.link_key, 13) AS named_request
FROM line_keys u
WHERE u.link_key LIKE 'destination:%'
UNION
SELECT SUBSTR(b.key_told, 13) AS named_request FROM batched b WHERE b.key_told LIKE 'destination:%'
UNION
SELECT SUBSTR(o.link_key, 13) AS named_request
FROM odd_received o
WHERE o.link_key LIKE 'destination:%'

-- make silent
SELECT a.stream_id, a.request_id, a.from_moment, r.report_us, r.report_billed, r.report_memory,
       r.report_max, r.report_init, r.last_moment
FROM attempts a
JOIN named n ON n.named_request = a.request_id
LEFT JOIN told_of t ON t.stream_id = a.stream_id AND t.line_request = a.request_id
LEFT JOIN odd_requests q ON q.stream_id = a.stream_id AND q.request_id = a.request_id
LEFT JOIN reported r
  ON r.stream_id = a.stream_id AND r.request_id = a.request_id AND r.from_moment = a.from_moment
WHERE t.stream_id IS NULL AND q.stream_id IS NULL

-- make silent_names
SELECT a.*,
       COALESCE(CASE WHEN s.log_group LIKE '/aws/lambda/%' THEN SUBSTR(s.log_group, 13) END,
                f.function_name, NULLIF(s.log_group, ''), 'unknown function') AS said_name
FROM silent a
JOIN streams s ON s.stream_id = a.stream_id
LEFT JOIN stream_names f ON f.stream_id = a.stream_id

-- Its ids are made of Lambda's lines; attempts of one request are one trace.
-- make stand_ins
SELECT SUBSTR(SHA256(m.said_name || CHR(0) || m.request_id || CHR(0)
              || CAST(m.from_moment AS TEXT)), 1, 16) AS span_id,
       SUBSTR(SHA256(m.said_name || CHR(0) || m.request_id), 1, 32) AS trace_id, '' AS parent_id,
       m.stream_id AS at_stream, m.request_id, m.said_name AS function_name, 'SERVER' AS kind,
       m.from_moment * 1000 AS start_us,
       COALESCE(m.report_us, (m.last_moment - m.from_moment) * 1000) AS duration_us, 0 AS status,
       CAST(NULL AS TEXT) AS error_type, CAST(NULL AS TEXT) AS error_code,
       CAST(NULL AS TEXT) AS error_message, 'other' AS trigger_name, '' AS route,
       '' AS source_name, '' AS xray_root, 0 AS receive_count, m.from_moment AS first_moment,
       1 AS ended, m.report_us, m.report_billed AS billed_ms, m.report_memory AS memory_mb,
       m.report_max AS max_memory_mb, m.report_init AS init_us, 0 AS unsampled, 0 AS heard_us
FROM silent_names m
UNION
SELECT o.* FROM odd_silent o JOIN named n ON n.named_request = o.request_id

-- make new_invocations
SELECT o.*
FROM stand_ins o
LEFT JOIN invocations i ON i.span_id = o.span_id
WHERE i.span_id IS NULL

-- add invocations
SELECT n.* FROM new_invocations n

-- part rows
-- What joins.

-- see spans
SELECT i.trace_id, i.span_id, i.parent_id, i.start_us, 'invocation' AS role,
       i.start_us + COALESCE(i.duration_us, 0) AS end_us
FROM invocations i
UNION ALL
SELECT d.trace_id, d.span_id, d.parent_id, d.start_us, d.role, d.end_us
FROM details d

-- make linked
SELECT u.line_trace, u.line_span, u.link
FROM (SELECT l.line_trace, l.line_span, UNNEST(l.line_links) AS link FROM plain_lines l) u
WHERE LENGTH(u.link[1]) = 32 AND LENGTH(u.link[2]) = 16

-- see links
SELECT k.line_trace AS trace_id, k.line_span AS span_id, k.link[1] AS linked_trace,
       k.link[2] AS linked_span
FROM linked k
WHERE COALESCE(k.link[3], '') = ''
UNION ALL
SELECT o.trace_id, o.span_id, o.linked_trace, o.linked_span FROM odd_links o

-- make claimed
SELECT DISTINCT k.line_trace, k.line_span, k.link[1] AS of_trace, k.link[2] AS of_span
FROM linked k
WHERE k.link[3] = 'claimed'
UNION
SELECT o.trace_id AS line_trace, o.span_id AS line_span, o.claimed_trace AS of_trace,
       o.claimed_span AS of_span
FROM odd_claims o

-- Where a trace is not sampled, HTTP calls send the id of what they stand below.
-- make asked
SELECT c.of_trace, c.of_span, d.span_id AS call_span
FROM (SELECT DISTINCT of_trace, of_span FROM claimed) c
JOIN invocations i ON i.trace_id = c.of_trace AND i.span_id = c.of_span
JOIN details d
  ON d.at_stream = i.at_stream AND d.request_id = i.request_id AND d.trace_id = i.trace_id
WHERE i.unsampled = 1 AND d.operation LIKE 'http.%'
UNION
SELECT c.of_trace, c.of_span, d.span_id AS call_span
FROM (SELECT DISTINCT of_trace, of_span FROM claimed) c
JOIN details r ON r.trace_id = c.of_trace AND r.span_id = c.of_span AND r.role = 'record'
JOIN invocations i
  ON i.at_stream = r.at_stream AND i.request_id = r.request_id AND i.unsampled = 1
JOIN details d
  ON d.at_stream = r.at_stream AND d.request_id = r.request_id AND d.trace_id = r.trace_id
WHERE d.operation LIKE 'http.%'

-- make claims
SELECT c.line_trace AS trace_id, c.line_span AS span_id, c.of_trace AS claimed_trace,
       COALESCE(a.call_span, c.of_span) AS claimed_span
FROM claimed c
LEFT JOIN asked a ON a.of_trace = c.of_trace AND a.of_span = c.of_span

-- Where an HTTP call was given up, what it asked may go on after it; where nobody asked for the
-- answer, it may also begin after it. A second is left for clocks.
-- make windows
SELECT w.trace_id, w.span_id, w.start_us - 1000000 AS from_us,
       w.done_us AS begun_by_us,
       CASE WHEN w.http_status > 0 THEN w.done_us ELSE 4503599627370496 END AS ended_by_us
FROM (
  SELECT d.trace_id, d.span_id, d.start_us, d.http_status,
         1000000 + MAX(
           CASE WHEN d.duration_us IS NOT NULL AND (d.http_status > 0 OR d.status = 2)
                THEN d.end_us
                WHEN i.last_us > d.end_us THEN i.last_us
                ELSE d.end_us END) AS done_us
  FROM details d
  LEFT JOIN odd_windows o ON o.span_id = d.span_id
  LEFT JOIN (
    SELECT at_stream, request_id, first_moment,
           CASE WHEN heard_us > start_us + COALESCE(duration_us, 0) THEN heard_us
                ELSE start_us + COALESCE(duration_us, 0) END AS last_us
    FROM invocations) i
    ON i.at_stream = d.at_stream AND i.request_id = d.request_id AND i.first_moment <= d.said_moment
  WHERE d.operation LIKE 'http.%' AND o.span_id IS NULL
  GROUP BY d.trace_id, d.span_id, d.start_us, d.http_status
) w
UNION
SELECT o.trace_id, o.span_id, o.from_us, o.begun_by_us, o.ended_by_us FROM odd_windows o

-- make records
SELECT b.trace_id, b.span_id, b.batch_trace, b.batch_span
FROM batched b
WHERE b.trace_id <> b.batch_trace
UNION ALL
SELECT t.trace_id, t.span_id, i.trace_id AS batch_trace, i.span_id AS batch_span
FROM told t
JOIN invocations i ON i.at_stream = t.at_stream AND i.request_id = t.request_id
WHERE t.role = 'record' AND i.trace_id <> t.trace_id
UNION ALL
SELECT w.trace_id, w.span_id, i.trace_id AS batch_trace, i.span_id AS batch_span
FROM owners w
JOIN invocations i ON i.at_stream = w.at_stream AND i.request_id = w.request_id
WHERE w.role = 'record' AND i.trace_id <> w.trace_id
UNION ALL
SELECT o.trace_id, o.span_id, o.batch_trace, o.batch_span FROM odd_records o

-- What a span received: the keys it names; its request id, where an Invoke was answered with it; and
-- the context it read, where a call went out with another tracer's.
-- make received
SELECT u.link_key, u.line_trace AS trace_id, u.line_span AS span_id
FROM line_keys u
WHERE NOT u.link_key LIKE '["%'
UNION ALL
SELECT b.key_told AS link_key, b.trace_id, b.span_id
FROM batched b
WHERE b.key_told <> '' AND NOT b.key_told LIKE '["%'
UNION ALL
SELECT s.link_key, i.trace_id, i.span_id
FROM (SELECT DISTINCT link_key FROM sent WHERE link_key LIKE 'lambda:%') s
JOIN invocations i ON i.request_id = SUBSTR(s.link_key, 8)
UNION ALL
SELECT s.link_key, p.trace_id, p.span_id
FROM (SELECT DISTINCT link_key FROM sent WHERE link_key LIKE 'w3c:%') s
JOIN spans p ON p.trace_id = SUBSTR(s.link_key, 5, 32) AND p.parent_id = SUBSTR(s.link_key, 38)
WHERE p.role IN ('invocation', 'record')
UNION ALL
SELECT s.link_key, k.trace_id, k.span_id
FROM (SELECT DISTINCT link_key FROM sent WHERE link_key LIKE 'w3c:%') s
JOIN links k ON k.linked_trace = SUBSTR(s.link_key, 5, 32) AND k.linked_span = SUBSTR(s.link_key, 38)
UNION ALL
SELECT u.link_key, u.line_trace AS trace_id, u.line_span AS span_id
FROM (
  SELECT l.line_trace, l.line_span, UNNEST(l.line_out) AS link_key
  FROM plain_lines l
  WHERE l.line_trigger IN ('authorizer', 'lambda-authorizer')
) u
WHERE u.link_key LIKE 'apigw:%'
UNION ALL
SELECT o.link_key, o.trace_id, o.span_id FROM odd_received o

-- A destination knows an invocation by its request id: after retries, the last attempt of it.
-- make last_attempts
SELECT n.request_id, n.trace_id, n.span_id
FROM (
  SELECT i.request_id, i.trace_id, i.span_id,
         ROW_NUMBER() OVER (
           PARTITION BY i.function_name, i.request_id
           ORDER BY i.start_us DESC, i.at_stream DESC, i.span_id DESC) AS from_last
  FROM invocations i
  JOIN (SELECT DISTINCT SUBSTR(link_key, 13) AS asked_request
        FROM received
        WHERE link_key LIKE 'destination:%') r ON r.asked_request = i.request_id
) n
WHERE n.from_last = 1

-- add sent
SELECT 'destination:' || request_id AS link_key, trace_id, span_id FROM last_attempts

-- make writes
SELECT SUBSTR(s.link_key, 10) AS fingerprint, s.trace_id, s.span_id, p.start_us AS from_us,
       p.end_us AS until_us
FROM (SELECT DISTINCT link_key, trace_id, span_id FROM sent WHERE link_key LIKE 'dynamodb:%') s
JOIN spans p ON p.span_id = s.span_id
WHERE LENGTH(s.link_key) = 25

-- make changes
SELECT u.fingerprint, u.trace_id, u.span_id, u.change_key,
       CASE WHEN u.fingerprint LIKE 'i%' THEN 1 ELSE 0 END AS content,
       u.second * 1000000 - 2000000 AS from_us, u.second * 1000000 + 3000000 AS until_us
FROM (
  SELECT r.trace_id, r.span_id, r.link_key AS change_key,
         TRY_CAST(SPLIT_PART(r.link_key, ':', 2) AS BIGINT) AS second,
         UNNEST(STRING_SPLIT(SPLIT_PART(r.link_key, ':', 3), '.')) AS fingerprint
  FROM (SELECT DISTINCT link_key, trace_id, span_id FROM received WHERE link_key LIKE 'dynamodb:%:%:%') r
) u
WHERE u.second IS NOT NULL AND LENGTH(u.fingerprint) = 16

-- A replay's root says no more than its key.
-- make replayed
SELECT DISTINCT u.line_span AS replayed_span
FROM line_keys u
WHERE u.link_key LIKE '["%'
UNION
SELECT o.span_id AS replayed_span FROM odd_replayed o

-- make arrivals
SELECT i.xray_root, i.trace_id, i.span_id, i.request_id,
       CASE WHEN i.trigger_name = 'sns' THEN 'sns' WHEN i.trigger_name IN ('events', 'eventbridge')
            THEN 'events' WHEN i.trigger_name = 's3' THEN 's3' ELSE 'other' END AS service,
       REGEXP_EXTRACT(COALESCE(i.source_name, ''), '([^:/]*)[:/]*$', 1) AS place, i.start_us,
       CASE WHEN i.trigger_name IN ('api-gateway-rest', 'api-gateway-http', 'api-gateway-websocket',
            'websocket', 'function-url', 'alb', 'appsync', 'vpc-lattice', 'authorizer',
            'lambda-authorizer') THEN 1 ELSE 0 END AS entrance,
       CASE WHEN i.trigger_name IN ('sqs', 'dynamodb', 'kinesis', 'kafka', 'mq')
            THEN 1 ELSE 0 END AS polled
FROM invocations i
LEFT JOIN replayed y ON y.replayed_span = i.span_id
WHERE i.xray_root <> '' AND y.replayed_span IS NULL

-- make departures
SELECT i.xray_root, d.trace_id, d.span_id, d.request_id,
       CASE WHEN d.operation LIKE 'sns.%' THEN 'sns' WHEN d.operation LIKE 'events.%' THEN 'events'
            WHEN d.operation LIKE 's3.%' THEN 's3' ELSE 'other' END AS service,
       CASE WHEN d.operation = 'lambda.Invoke' THEN ''
            ELSE REGEXP_EXTRACT(d.resource, '([^:/]*)[:/]*$', 1) END AS place, d.start_us
FROM details d
JOIN (SELECT DISTINCT at_stream, request_id, xray_root FROM invocations WHERE xray_root <> '') i
  ON i.at_stream = d.at_stream AND i.request_id = d.request_id
LEFT JOIN sums m ON m.span_id = d.span_id
WHERE (d.call_count = 0 OR (d.call_count = 1 AND m.has_keys = 1))
  AND d.operation IN ('sns.Publish', 'sns.PublishBatch', 'lambda.Invoke', 'events.PutEvents',
      's3.PutObject', 's3.CopyObject', 's3.CompleteMultipartUpload')

-- part hops

-- make traces
SELECT trace_id, MIN(start_us) AS began_us, MAX(end_us) AS over_us, COUNT(*) AS span_count
FROM spans
GROUP BY trace_id

-- First witness: the context that a sender wrote into its message. Exact.
-- see hops_by_context
SELECT linked_trace AS sender_trace, linked_span AS sender_span,
       trace_id AS receiver_trace, span_id AS receiver_span
FROM links
UNION ALL
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
-- answers an HTTP call may be anybody: its ids hold only for what began during the call. A hop that
-- comes twice is one in the end.
-- make hops_by_key
SELECT o.trace_id AS sender_trace, o.span_id AS sender_span,
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

-- see exact_hops
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

-- make trace_edges
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
  FROM trace_edges e
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
LEFT JOIN (SELECT DISTINCT receiver_trace FROM trace_edges) e ON e.receiver_trace = n.trace_id
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
JOIN trace_edges e ON e.sender_trace = k.at_trace
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
JOIN trace_edges e ON e.sender_trace = f.at_trace

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

-- part figures
-- A row a transaction, a function, what a function calls, an edge between two functions. A percentile
-- is one of the times: the shortest that so many of a hundred do not exceed.

-- What was billed is divided among the transactions that share it: 1/1000 of a MB ms is the unit.
-- see trace_runs
SELECT i.trace_id, COUNT(*) AS runs, SUM(CASE WHEN i.status = 2 THEN 1 ELSE 0 END) AS failed_runs,
       SUM(CASE WHEN i.ended = 0 THEN 1 ELSE 0 END) AS open_runs, MIN(i.start_us) AS first_us,
       CAST(SUM(i.billed_ms * i.memory_mb * 1000) AS BIGINT) AS billed
FROM invocations i
GROUP BY i.trace_id

-- see trace_hops
SELECT receiver_trace, MAX(witness) AS weakest
FROM hops
WHERE sender_trace <> receiver_trace
GROUP BY receiver_trace

-- A transaction begins where its entry's trace does, and is named after the first handler there.
-- make sizes
SELECT m.entry_trace, COUNT(*) AS traces, CAST(SUM(t.span_count) AS BIGINT) AS spans,
       COALESCE(MIN(CASE WHEN t.trace_id = m.entry_trace THEN t.began_us END), MIN(t.began_us)) AS start_us,
       MAX(t.over_us) AS end_us, CAST(COALESCE(SUM(r.runs), 0) AS BIGINT) AS invocations,
       CAST(COALESCE(SUM(r.failed_runs), 0) AS BIGINT) AS failed,
       CAST(COALESCE(SUM(r.open_runs), 0) AS BIGINT) AS unfinished,
       CAST(SUM(CAST((r.billed - r.billed % f.fan) / f.fan AS BIGINT)) AS BIGINT) AS billed_mb_us,
       MAX(h.weakest) AS weakest_witness,
       MIN(CASE WHEN r.trace_id = m.entry_trace THEN r.first_us END) AS first_us
FROM members m
JOIN fans f ON f.member_trace = m.member_trace
LEFT JOIN traces t ON t.trace_id = m.member_trace
LEFT JOIN trace_runs r ON r.trace_id = m.member_trace
LEFT JOIN trace_hops h ON h.receiver_trace = m.member_trace
GROUP BY m.entry_trace

-- see first_runs
SELECT z.entry_trace, MIN(i.span_id) AS span_id
FROM sizes z
JOIN invocations i ON i.trace_id = z.entry_trace AND i.start_us = z.first_us
GROUP BY z.entry_trace

-- make transactions
SELECT z.entry_trace, i.function_name, i.trigger_name, i.route, z.start_us, z.end_us, z.traces,
       COALESCE(z.spans, 0) AS spans, z.invocations, z.failed, z.unfinished, z.billed_mb_us,
       z.weakest_witness, CASE WHEN c.entry_trace IS NULL THEN 0 ELSE 1 END AS is_cut
FROM sizes z
LEFT JOIN first_runs e ON e.entry_trace = z.entry_trace
LEFT JOIN invocations i ON i.span_id = e.span_id
LEFT JOIN cut c ON c.entry_trace = z.entry_trace

-- make run_kinds
SELECT i.function_name, COUNT(*) AS invocations, COUNT(i.duration_us) AS timed,
       CAST(SUM(CASE WHEN i.status = 2 THEN 1 ELSE 0 END) AS BIGINT) AS failed,
       CAST(SUM(CASE WHEN i.ended = 0 THEN 1 ELSE 0 END) AS BIGINT) AS unfinished,
       COUNT(i.init_us) AS cold_starts, COUNT(i.billed_ms) AS reported,
       CAST(SUM(i.billed_ms * i.memory_mb) AS BIGINT) AS billed_mb_ms,
       MAX(i.max_memory_mb) AS most_memory_mb
FROM invocations i
GROUP BY i.function_name

-- see run_ranks
SELECT function_name, duration_us,
       ROW_NUMBER() OVER (PARTITION BY function_name ORDER BY duration_us) AS nth
FROM invocations
WHERE duration_us IS NOT NULL

-- make functions
SELECT k.function_name, k.invocations, k.failed, k.unfinished, k.cold_starts,
       MIN(CASE WHEN r.nth * 2 >= k.timed THEN r.duration_us END) AS p50_us,
       MIN(CASE WHEN r.nth * 10 >= k.timed * 9 THEN r.duration_us END) AS p90_us,
       MIN(CASE WHEN r.nth * 100 >= k.timed * 99 THEN r.duration_us END) AS p99_us,
       MAX(r.duration_us) AS max_us, k.reported, k.billed_mb_ms, k.most_memory_mb
FROM run_kinds k
LEFT JOIN run_ranks r ON r.function_name = k.function_name
GROUP BY k.function_name, k.invocations, k.failed, k.unfinished, k.cold_starts, k.reported,
         k.billed_mb_ms, k.most_memory_mb

-- make runners
SELECT DISTINCT at_stream, request_id, function_name AS runner
FROM invocations

-- A call that is told in a sum has no time of its own.
-- make made_calls
SELECT d.span_id, COALESCE(r.runner, '') AS caller, d.operation, d.resource, d.start_us, d.status,
       d.call_count, CASE WHEN d.call_count = 0 THEN d.duration_us END AS alone_us,
       CASE WHEN d.duration_us IS NULL THEN 1 ELSE 0 END AS is_open
FROM details d
LEFT JOIN runners r ON r.at_stream = d.at_stream AND r.request_id = d.request_id
WHERE d.role = 'call'

-- make call_kinds
SELECT c.caller, c.operation, c.resource, COUNT(c.alone_us) AS timed,
       CAST(SUM(CASE WHEN c.call_count > 0 THEN c.call_count ELSE 1 END) AS BIGINT) AS made,
       CAST(SUM(CASE WHEN c.status = 2 THEN 1 ELSE 0 END) AS BIGINT) AS failed,
       CAST(SUM(c.is_open) AS BIGINT) AS unfinished,
       ROW_NUMBER() OVER (ORDER BY c.caller, c.operation, c.resource) AS kind
FROM made_calls c
GROUP BY c.caller, c.operation, c.resource

-- see call_ranks
SELECT k.kind, c.alone_us, ROW_NUMBER() OVER (PARTITION BY k.kind ORDER BY c.alone_us) AS nth
FROM made_calls c
JOIN call_kinds k
  ON k.caller = c.caller AND k.operation = c.operation AND k.resource = c.resource
WHERE c.alone_us IS NOT NULL

-- make calls
SELECT k.caller AS function_name, k.operation, k.resource, k.made, k.failed, k.unfinished,
       MIN(CASE WHEN r.nth * 2 >= k.timed THEN r.alone_us END) AS p50_us,
       MIN(CASE WHEN r.nth * 10 >= k.timed * 9 THEN r.alone_us END) AS p90_us,
       MIN(CASE WHEN r.nth * 100 >= k.timed * 99 THEN r.alone_us END) AS p99_us,
       MAX(r.alone_us) AS max_us
FROM call_kinds k
LEFT JOIN call_ranks r ON r.kind = k.kind
GROUP BY k.caller, k.operation, k.resource, k.made, k.failed, k.unfinished

-- see hop_ends
SELECT i.span_id, i.function_name AS runner, '' AS operation, '' AS resource, i.start_us, i.status
FROM invocations i
UNION ALL
SELECT c.span_id, c.caller AS runner, c.operation, c.resource, c.start_us, c.status
FROM made_calls c
UNION ALL
SELECT d.span_id, r.runner, d.operation, d.resource, d.start_us, d.status
FROM details d
LEFT JOIN runners r ON r.at_stream = d.at_stream AND r.request_id = d.request_id
WHERE d.role <> 'call'

-- From the beginning of what sent to that of what received, by the clocks of both.
-- make passed
SELECT COALESCE(s.runner, '') AS sender, COALESCE(s.operation, '') AS operation,
       COALESCE(s.resource, '') AS resource, COALESCE(r.runner, '') AS receiver, h.witness,
       r.status, r.start_us - s.start_us AS wait_us
FROM hops h
LEFT JOIN hop_ends s ON s.span_id = h.sender_span
LEFT JOIN hop_ends r ON r.span_id = h.receiver_span

-- make hop_kinds
SELECT p.sender, p.operation, p.resource, p.receiver, p.witness, COUNT(*) AS hops,
       COUNT(p.wait_us) AS timed, CAST(SUM(CASE WHEN p.status = 2 THEN 1 ELSE 0 END) AS BIGINT) AS failed,
       CAST(SUM(CASE WHEN p.wait_us < 0 THEN 1 ELSE 0 END) AS BIGINT) AS ahead,
       ROW_NUMBER() OVER (
         ORDER BY p.sender, p.operation, p.resource, p.receiver, p.witness) AS kind
FROM passed p
GROUP BY p.sender, p.operation, p.resource, p.receiver, p.witness

-- see wait_ranks
SELECT k.kind, p.wait_us, ROW_NUMBER() OVER (PARTITION BY k.kind ORDER BY p.wait_us) AS nth
FROM passed p
JOIN hop_kinds k
  ON k.sender = p.sender AND k.operation = p.operation AND k.resource = p.resource
  AND k.receiver = p.receiver AND k.witness = p.witness
WHERE p.wait_us IS NOT NULL

-- A time below 0 is what the clocks of two sandboxes differ: it is kept, and counted.
-- make edges
SELECT k.sender AS sender_function, k.operation, k.resource, k.receiver AS receiver_function, k.witness,
       k.hops, k.failed, MIN(r.wait_us) AS min_us,
       MIN(CASE WHEN r.nth * 2 >= k.timed THEN r.wait_us END) AS p50_us,
       MIN(CASE WHEN r.nth * 10 >= k.timed * 9 THEN r.wait_us END) AS p90_us,
       MIN(CASE WHEN r.nth * 100 >= k.timed * 99 THEN r.wait_us END) AS p99_us,
       MAX(r.wait_us) AS max_us, k.ahead
FROM hop_kinds k
LEFT JOIN wait_ranks r ON r.kind = k.kind
GROUP BY k.sender, k.operation, k.resource, k.receiver, k.witness, k.hops, k.failed, k.ahead

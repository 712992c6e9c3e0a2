-- What a store keeps beside the lines: made of the engine's tables, for the hours that are written.
--
-- "-- make T" says that the rows of the SELECT below become table T (pipeline/steps.py reads it so).
-- DuckDB alone runs this. What comes in, beside all that pipeline/steps.sql makes:
--   stored       stream_id, stream_key, time_ms, said_ms, place, nth, message: all lines, in the order of
--                their streams; time_ms is NULL where the source has no times, said_ms never
--   wanted       hour: those that are written; lines of others are there so that nothing is cut
--   places       trigger_name, told: what people call event sources
-- What comes out: kept_lines, tx, ids, keys, tags, alone, minutes, durations.

-- part units
-- A unit is what is read together: all lines of one request in one stream. A line belongs to the
-- invocation around it; one between two belongs to the later, as INIT_START does; one that names a
-- request of its stream belongs to that.

-- make framing
SELECT f.at, f.stream_id, f.time_ms, f.what,
       CASE WHEN f.is_json THEN regexp_extract(f.message, '"requestId":\s?"([^"]*)"', 1)
            ELSE split_part(rtrim(split_part(f.message, chr(9), 1)), ' ', 3) END AS request_id
FROM (
  SELECT rowid AS at, stream_id, time_ms, message, starts_with(message, '{') AS is_json,
         CASE WHEN starts_with(message, 'START RequestId: ') THEN 'start'
              WHEN starts_with(message, 'END RequestId: ') THEN 'end'
              WHEN starts_with(message, 'REPORT RequestId: ') THEN 'end'
              WHEN starts_with(message, '{') AND contains(message, '"platform.')
              THEN CASE regexp_extract(message, '"type":\s?"platform\.(start|report|runtimeDone)"', 1)
                   WHEN 'start' THEN 'start' WHEN 'report' THEN 'end' WHEN 'runtimeDone' THEN 'end' END
              END AS what
  FROM stored
) f
WHERE f.what IS NOT NULL

-- A START that began nothing was printed by somebody.
-- make known
SELECT stream_id, request_id, from_moment FROM attempts
UNION
SELECT at_stream AS stream_id, request_id, first_moment AS from_moment FROM odd_invocations
UNION
SELECT at_stream AS stream_id, request_id, first_moment AS from_moment FROM odd_silent

-- make begins
SELECT f.at, f.stream_id, ANY_VALUE(f.request_id) AS request_id,
       ROW_NUMBER() OVER (PARTITION BY f.stream_id ORDER BY f.at) AS segment
FROM framing f
JOIN known k ON k.stream_id = f.stream_id AND k.request_id = f.request_id
 AND (f.time_ms IS NULL OR k.from_moment = f.time_ms)
LEFT JOIN (SELECT DISTINCT stream_id FROM platform WHERE what = 'managed') m
  ON m.stream_id = f.stream_id
WHERE f.what = 'start' AND m.stream_id IS NULL
GROUP BY f.at, f.stream_id

-- make lasts
SELECT stream_id, MAX(segment) AS last_segment FROM begins GROUP BY stream_id

-- make framed
SELECT f.at, f.stream_id, f.request_id, b.segment AS began
FROM framing f LEFT JOIN begins b ON b.at = f.at

-- make segments
SELECT s.at, s.stream_id, s.segment, s.named,
       MAX(CASE WHEN s.closes THEN s.segment END) OVER (
         PARTITION BY s.stream_id ORDER BY s.at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
       ) IS NOT DISTINCT FROM s.segment AND NOT s.own AS behind
FROM (
  SELECT c.*, b.request_id IS NOT NULL AND c.named = b.request_id AS own,
         b.request_id IS NOT NULL AND c.named = b.request_id AND c.began IS NULL AS closes
  FROM (
    SELECT o.at, o.stream_id, f.request_id AS named, f.began,
           COALESCE(MAX(f.began) OVER (
             PARTITION BY o.stream_id ORDER BY o.at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
             0) AS segment
    FROM (SELECT rowid AS at, stream_id FROM stored) o LEFT JOIN framed f ON f.at = o.at
  ) c
  LEFT JOIN begins b ON b.stream_id = c.stream_id AND b.segment = c.segment
) s

-- What a line itself says of its request: asked of the application's lines, and of every line where no
-- START stands before it.
-- make naming
SELECT g.at, g.stream_id, g.segment, g.behind, COALESCE(l.last_segment, 0) AS last_segment,
       CASE WHEN g.named IS NOT NULL AND g.segment = 0 THEN g.named
            WHEN starts_with(o.message, '[') THEN NULLIF(split_part(o.message, chr(9), 3), '')
            WHEN g.segment = 0 OR (starts_with(o.message, '{') AND NOT contains(o.message, '{"lumitrace":1,'))
            THEN NULLIF(regexp_extract(o.message,
                 '"requestId":\s?"([^"]+)"|"function_request_id":\s?"([^"]+)"|RequestId: (\S+)|\dZ (\S{36}) Task timed', 0), '')
            END AS said
FROM segments g
JOIN (SELECT rowid AS at, message FROM stored) o ON o.at = g.at
LEFT JOIN lasts l ON l.stream_id = g.stream_id

-- make naming
SELECT n.at, n.stream_id, n.segment, n.last_segment, n.behind,
       CASE WHEN n.said IS NULL OR NOT regexp_matches(n.said, '[":\s]') THEN n.said
            ELSE regexp_extract(n.said, '([^":\s]+)"?(?: Task timed)?$', 1) END AS said
FROM naming n

-- What stands before the first START belongs to whom the last end before it names, or else to whom it
-- names itself.
-- make heads
SELECT s.stream_id, MAX_BY(s.named, s.at) AS request_id
FROM segments s
JOIN lasts l ON l.stream_id = s.stream_id
WHERE s.segment = 0 AND s.named IS NOT NULL
GROUP BY s.stream_id

-- make line_units
SELECT n.at, n.stream_id,
       COALESCE(
         CASE WHEN k.request_id IS NOT NULL THEN n.said END,
         CASE WHEN n.segment = 0 AND n.last_segment > 0 THEN h.request_id END,
         CASE WHEN n.last_segment > 0 THEN b.request_id END,
         n.said,
         LAST_VALUE(n.said IGNORE NULLS) OVER (
           PARTITION BY n.stream_id ORDER BY n.at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
         FIRST_VALUE(n.said IGNORE NULLS) OVER (
           PARTITION BY n.stream_id ORDER BY n.at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING),
         '') AS request_id
FROM naming n
LEFT JOIN (SELECT DISTINCT stream_id, request_id FROM known) k
  ON k.stream_id = n.stream_id AND k.request_id = n.said
LEFT JOIN heads h ON h.stream_id = n.stream_id
LEFT JOIN begins b ON b.stream_id = n.stream_id
 AND b.segment = LEAST(n.segment + CASE WHEN n.behind THEN 1 ELSE 0 END, n.last_segment)

-- make units
SELECT u.stream_id, ANY_VALUE(o.stream_key) AS stream_key, u.request_id,
       MIN(o.said_ms) AS from_ms, MAX(o.said_ms) AS until_ms
FROM line_units u
JOIN (SELECT rowid AS at, stream_key, said_ms FROM stored) o ON o.at = u.at
GROUP BY u.stream_id, u.request_id

-- part transactions

-- make trace_times
SELECT trace_id, MIN(start_us) AS start_us, MAX(end_us) AS end_us FROM spans GROUP BY trace_id

-- make every
SELECT m.entry_trace AS id,
       COALESCE(MIN(CASE WHEN t.trace_id = m.entry_trace THEN t.start_us END), MIN(t.start_us)) AS start_us,
       MAX(t.end_us) AS end_us
FROM members m
JOIN trace_times t ON t.trace_id = m.member_trace
GROUP BY m.entry_trace

-- make numbered
SELECT e.id, e.start_us, e.end_us, CAST(e.start_us // 3600000000 AS INTEGER) AS hour,
       CAST(ROW_NUMBER() OVER (
         PARTITION BY e.start_us // 3600000000 ORDER BY e.start_us, e.id) - 1 AS INTEGER) AS no
FROM every e

-- In which units the spans of a trace stand: records of a batch may have traces of their own.
-- make trace_units
SELECT DISTINCT trace_id, at_stream AS stream_id, request_id FROM invocations
UNION
SELECT DISTINCT d.trace_id, d.at_stream AS stream_id, d.request_id FROM details d

-- make tx_units
SELECT DISTINCT n.hour, n.no, t.stream_id, t.request_id
FROM numbered n
JOIN members m ON m.entry_trace = n.id
JOIN trace_units t ON t.trace_id = m.member_trace

-- The lines of a unit stand with the first transaction that it belongs to.
-- make homes
SELECT t.stream_id, t.request_id, MIN(t.hour * 4294967296 + t.no) AS home
FROM tx_units t
GROUP BY t.stream_id, t.request_id

-- make placed_units
SELECT u.stream_id, u.stream_key, u.request_id, u.from_ms, u.until_ms,
       CAST(h.home // 4294967296 AS INTEGER) AS home_hour, CAST(h.home % 4294967296 AS INTEGER) AS home_no
FROM units u
LEFT JOIN homes h ON h.stream_id = u.stream_id AND h.request_id = u.request_id

-- part lines

-- make kept_lines
SELECT o.hour, CASE WHEN p.home_hour = o.hour THEN p.home_no ELSE 2147483647 END AS clump,
       o.stream_key, u.request_id, s.log_group, s.log_stream, o.said_ms AS time_ms,
       o.time_ms IS NOT NULL AS timed, o.place, o.nth, o.message
FROM (SELECT rowid AS at, CAST(said_ms // 3600000 AS INTEGER) AS hour, * FROM stored) o
JOIN line_units u ON u.at = o.at
JOIN streams s ON s.stream_id = o.stream_id
JOIN placed_units p ON p.stream_id = u.stream_id AND p.request_id = u.request_id
WHERE o.hour IN (SELECT hour FROM wanted)

-- part tx

-- make written
SELECT n.* FROM numbered n WHERE n.hour IN (SELECT hour FROM wanted)

-- make written_members
SELECT w.hour, w.no, m.member_trace AS trace_id
FROM written w
JOIN members m ON m.entry_trace = w.id

-- make tx_traces
SELECT hour, no, LIST(trace_id ORDER BY trace_id) AS traces FROM written_members GROUP BY hour, no

-- make tx_places
SELECT t.hour, t.no, LIST(struct_pack(
         stream_key := p.stream_key, request_id := p.request_id, from_ms := p.from_ms,
         until_ms := p.until_ms, home_hour := p.home_hour, home_no := p.home_no)
         ORDER BY p.from_ms, p.stream_key, p.request_id) AS units
FROM tx_units t
JOIN placed_units p ON p.stream_id = t.stream_id AND p.request_id = t.request_id
WHERE t.hour IN (SELECT hour FROM wanted)
GROUP BY t.hour, t.no

-- make tx_hops
SELECT w.hour, w.no, LIST([h.sender_trace, h.sender_span, h.receiver_trace, h.receiver_span,
         CAST(h.witness AS TEXT)] ORDER BY h.sender_trace, h.sender_span, h.receiver_span) AS hops
FROM written_members w
JOIN hops h ON h.receiver_trace = w.trace_id
GROUP BY w.hour, w.no

-- make tx_candidates
SELECT w.hour, w.no, LIST([c.receiver_span, c.change_key, c.sender_trace, c.sender_span]
         ORDER BY c.receiver_span, c.change_key, c.sender_trace, c.sender_span) AS candidates
FROM candidates c
JOIN spans s ON s.span_id = c.receiver_span
JOIN written_members w ON w.trace_id = s.trace_id
GROUP BY w.hour, w.no

-- make tx_fans
SELECT w.hour, w.no, LIST([f.member_trace, CAST(f.fan AS TEXT)] ORDER BY f.member_trace) AS fans
FROM fans f
JOIN written_members w ON w.trace_id = f.member_trace
WHERE f.fan > 1
GROUP BY w.hour, w.no

-- make tx
SELECT w.hour, w.no, w.id, w.start_us, w.end_us, t.traces, c.entry_trace IS NOT NULL AS cut,
       p.units, h.hops, a.candidates, f.fans
FROM written w
JOIN tx_traces t ON t.hour = w.hour AND t.no = w.no
LEFT JOIN cut c ON c.entry_trace = w.id
LEFT JOIN tx_places p ON p.hour = w.hour AND p.no = w.no
LEFT JOIN tx_hops h ON h.hour = w.hour AND h.no = w.no
LEFT JOIN tx_candidates a ON a.hour = w.hour AND a.no = w.no
LEFT JOIN tx_fans f ON f.hour = w.hour AND f.no = w.no

-- part ids
-- Ids by their first sixteen digits as a number, and the rest; kind 0 is a transaction's own, 1 a trace,
-- 2 a span, 3 a request.

-- make named_ids
SELECT hour, no, 0 AS kind, id FROM written
UNION ALL
SELECT hour, no, 1 AS kind, trace_id AS id FROM written_members
UNION ALL
SELECT w.hour, w.no, 2 AS kind, s.span_id AS id
FROM written_members w JOIN spans s ON s.trace_id = w.trace_id
UNION ALL
SELECT w.hour, w.no, 3 AS kind, REPLACE(i.request_id, '-', '') AS id
FROM written_members w JOIN invocations i ON i.trace_id = w.trace_id

-- make ids
SELECT DISTINCT n.hour, TRY_CAST('0x' || RPAD(SUBSTR(n.id, 1, 16), 16, '0') AS UBIGINT) AS head,
       COALESCE(TRY_CAST('0x' || RPAD(SUBSTR(n.id, 17, 16), 16, '0') AS UBIGINT), 0) AS tail,
       CAST(n.kind AS UTINYINT) AS kind, n.no
FROM named_ids n

-- Link keys, and ids that are no number.
-- make keys
SELECT DISTINCT w.hour, CASE WHEN contains(k.link_key, ':')
         THEN SUBSTR(k.link_key, INSTR(k.link_key, ':') + 1) ELSE k.link_key END AS named,
       split_part(k.link_key, ':', 1) AS kind, w.no
FROM (
  SELECT link_key, trace_id FROM sent UNION SELECT link_key, trace_id FROM received
) k
JOIN written_members w ON w.trace_id = k.trace_id
UNION
SELECT n.hour, n.id AS named, 'request' AS kind, n.no
FROM named_ids n
WHERE n.kind = 3 AND NOT regexp_full_match(n.id, '[0-9a-f]{1,32}')

-- Requests that belong to no transaction: of functions without span lines.
-- make alone
SELECT h.hour, p.request_id, p.stream_key, p.from_ms, p.until_ms
FROM placed_units p
JOIN wanted h ON h.hour = p.from_ms // 3600000
WHERE p.home_hour IS NULL AND p.request_id <> ''

-- part tags
-- What a span was told last holds; of a transaction, what its first span says.

-- make span_tags
SELECT e.line_span AS span_id, e.entry.key AS name, MAX_BY(e.entry.value, e.place) AS said
FROM (
  SELECT l.place, l.line_span, UNNEST(map_entries(l.tags)) AS entry FROM lines l WHERE l.tags IS NOT NULL
) e
GROUP BY e.line_span, e.entry.key

-- make plain_tags
SELECT w.hour, w.no, g.name, g.said, s.start_us, s.span_id, COALESCE(f.fan, 1) AS fan
FROM span_tags g
JOIN spans s ON s.span_id = g.span_id
JOIN written_members w ON w.trace_id = s.trace_id
LEFT JOIN fans f ON f.member_trace = s.trace_id

-- make tags
SELECT DISTINCT hour, said, name, no FROM plain_tags

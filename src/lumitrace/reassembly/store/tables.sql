-- What a store keeps beside the lines: made of the engine's tables, for the hours that are written.
--
-- "-- make T" says that the rows of the SELECT below become table T (pipeline/steps.py reads it so).
-- DuckDB alone runs this. What comes in, beside all that pipeline/steps.sql makes:
--   stored       stream_id, stream_key, time_ms, said_ms, place, nth, message: all lines, in the order of
--                their streams; time_ms is NULL where the source has no times, said_ms never
--   wanted       hour: those that are written; lines of others are there so that nothing is cut
--   marked       at_row, line_request: lines with our mark (unusual.py)
--   places       trigger_name, called: what people call event sources; '' where they call it nothing
-- and from the part "tags" on, what judge.py makes: judged_rows, judged_tags, judged_runs, causes.
-- What comes out: kept_lines, tx, ways, ids, keys, tags, alone, runs, ends, callers.

-- part units
-- A unit is what is read together: all lines of one request in one stream. A line belongs to the
-- invocation around it; one between two belongs to the later, as INIT_START does; one that names a
-- request of its stream belongs to that.

-- make framing
SELECT f.at_row, f.stream_id, f.time_ms, f.what,
       CASE WHEN f.is_json THEN regexp_extract(f.message, '"requestId":\s?"([^"]*)"', 1)
            ELSE split_part(rtrim(split_part(f.message, chr(9), 1)), ' ', 3) END AS request_id
FROM (
  SELECT rowid AS at_row, stream_id, time_ms, message, starts_with(message, '{') AS is_json,
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

-- A sandbox that runs several invocations at a time: its first line says so, or else invocations that
-- overlap and whose own first lines all say so; any other line may have been printed.
-- make side_by_side
SELECT o.stream_id
FROM stored o
JOIN (SELECT stream_id, MIN(rowid) AS first_row FROM stored GROUP BY stream_id) f ON f.first_row = o.rowid
WHERE contains(o.message, '"platform.initStart"') AND contains(o.message, '"lambda-managed-instances"')
UNION
SELECT o.stream_id
FROM stored o
JOIN odd_streams d ON d.stream_id = o.stream_id
WHERE starts_with(o.message, '{"lumitrace":1,') AND contains(o.message, '"record":"start"')
GROUP BY o.stream_id
HAVING BOOL_AND(contains(o.message, '"concurrency":'))

-- A START that began nothing was printed by somebody.
-- make known
SELECT stream_id, request_id, from_moment FROM attempts
UNION
SELECT at_stream AS stream_id, request_id, first_moment AS from_moment FROM odd_invocations
UNION
SELECT at_stream AS stream_id, request_id, first_moment AS from_moment FROM odd_silent

-- make begins
SELECT f.at_row, f.stream_id, ANY_VALUE(f.request_id) AS request_id,
       ROW_NUMBER() OVER (PARTITION BY f.stream_id ORDER BY f.at_row) AS segment
FROM framing f
JOIN known k ON k.stream_id = f.stream_id AND k.request_id = f.request_id
 AND (f.time_ms IS NULL OR k.from_moment = f.time_ms)
LEFT JOIN side_by_side m ON m.stream_id = f.stream_id
WHERE f.what = 'start' AND m.stream_id IS NULL
GROUP BY f.at_row, f.stream_id

-- make lasts
SELECT stream_id, MAX(segment) AS last_segment FROM begins GROUP BY stream_id

-- make framed
SELECT f.at_row, f.stream_id, f.request_id, b.segment AS began
FROM framing f LEFT JOIN begins b ON b.at_row = f.at_row

-- make segments
SELECT s.at_row, s.stream_id, s.segment, s.named,
       MAX(CASE WHEN s.closes THEN s.segment END) OVER (
         PARTITION BY s.stream_id ORDER BY s.at_row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
       ) IS NOT DISTINCT FROM s.segment AND NOT s.own AS behind
FROM (
  SELECT c.*, b.request_id IS NOT NULL AND c.named = b.request_id AS own,
         b.request_id IS NOT NULL AND c.named = b.request_id AND c.began IS NULL AS closes
  FROM (
    SELECT o.at_row, o.stream_id, f.request_id AS named, f.began,
           COALESCE(MAX(f.began) OVER (
             PARTITION BY o.stream_id ORDER BY o.at_row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
             0) AS segment
    FROM (SELECT rowid AS at_row, stream_id FROM stored) o LEFT JOIN framed f ON f.at_row = o.at_row
  ) c
  LEFT JOIN begins b ON b.stream_id = c.stream_id AND b.segment = c.segment
) s

-- What a line itself says of its request: asked of our lines, of the application's, and of every line
-- where no START stands before it.
-- make naming
SELECT g.at_row, g.stream_id, g.segment, g.behind, COALESCE(l.last_segment, 0) AS last_segment,
       m.line_request IS NULL AND NOT contains(o.message, '"platform.init') AS may_be_anybodys,
       CASE WHEN m.line_request IS NOT NULL THEN NULLIF(m.line_request, '')
            WHEN g.named IS NOT NULL AND g.segment = 0 THEN g.named
            WHEN starts_with(o.message, '[') THEN NULLIF(split_part(o.message, chr(9), 3), '')
            WHEN g.segment = 0 OR (starts_with(o.message, '{') AND NOT contains(o.message, '{"lumitrace":1,'))
            THEN NULLIF(regexp_extract(o.message,
                 '"requestId":\s?"([^"]+)"|"function_request_id":\s?"([^"]+)"|RequestId: (\S+)|\dZ (\S{36}) Task timed', 0), '')
            END AS said
FROM segments g
JOIN (SELECT rowid AS at_row, message FROM stored) o ON o.at_row = g.at_row
LEFT JOIN marked m ON m.at_row = g.at_row
LEFT JOIN lasts l ON l.stream_id = g.stream_id

-- make naming
SELECT n.at_row, n.stream_id, n.segment, n.last_segment, n.behind, n.may_be_anybodys,
       CASE WHEN n.said IS NULL OR NOT regexp_matches(n.said, '[":\s]') THEN n.said
            ELSE regexp_extract(n.said, '([^":\s]+)"?(?: Task timed)?$', 1) END AS said
FROM naming n

-- What stands before the first START belongs to whom the last end before it names, or else to the first.
-- make heads
SELECT s.stream_id, MAX_BY(s.named, s.at_row) AS request_id, MAX(s.at_row) AS last_row
FROM segments s
JOIN lasts l ON l.stream_id = s.stream_id
WHERE s.segment = 0 AND s.named IS NOT NULL
GROUP BY s.stream_id

-- make line_units
SELECT n.at_row, n.stream_id,
       COALESCE(
         CASE WHEN k.request_id IS NOT NULL THEN n.said END,
         h.request_id,
         CASE WHEN n.last_segment > 0 THEN b.request_id END,
         n.said,
         CASE WHEN m.stream_id IS NOT NULL AND n.may_be_anybodys THEN '' END,
         LAST_VALUE(n.said IGNORE NULLS) OVER (
           PARTITION BY n.stream_id ORDER BY n.at_row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
         FIRST_VALUE(n.said IGNORE NULLS) OVER (
           PARTITION BY n.stream_id ORDER BY n.at_row ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING),
         '') AS request_id
FROM naming n
LEFT JOIN (SELECT DISTINCT stream_id, request_id FROM known) k
  ON k.stream_id = n.stream_id AND k.request_id = n.said
LEFT JOIN side_by_side m ON m.stream_id = n.stream_id
LEFT JOIN heads h ON h.stream_id = n.stream_id AND n.segment = 0 AND n.at_row <= h.last_row
LEFT JOIN begins b ON b.stream_id = n.stream_id
 AND b.segment = LEAST(n.segment + CASE WHEN n.behind OR n.segment = 0 THEN 1 ELSE 0 END, n.last_segment)

-- make units
SELECT u.stream_id, ANY_VALUE(o.stream_key) AS stream_key, u.request_id,
       MIN(o.said_ms) AS from_ms, MAX(o.said_ms) AS until_ms
FROM line_units u
JOIN (SELECT rowid AS at_row, stream_key, said_ms FROM stored) o ON o.at_row = u.at_row
GROUP BY u.stream_id, u.request_id

-- part transactions

-- In which units the spans of a trace stand: records of a batch may have traces of their own.
-- make trace_units
SELECT DISTINCT trace_id, at_stream AS stream_id, request_id FROM invocations
UNION
SELECT DISTINCT d.trace_id, d.at_stream AS stream_id, d.request_id FROM details d

-- make trace_times
SELECT trace_id, MIN(start_us) AS start_us, MAX(end_us) AS end_us FROM spans GROUP BY trace_id

-- make every
SELECT m.entry_trace AS id,
       COALESCE(MIN(CASE WHEN t.trace_id = m.entry_trace THEN t.start_us END), MIN(t.start_us)) AS start_us,
       MAX(t.end_us) AS end_us
FROM members m
JOIN trace_times t ON t.trace_id = m.member_trace
GROUP BY m.entry_trace

-- A transaction stands in the hour of its first line, as logs date it: that hour is there.
-- make dated
SELECT e.id, e.start_us, e.end_us,
       CAST(COALESCE(f.first_ms * 1000, e.start_us) // 3600000000 AS INTEGER) AS hour
FROM every e
LEFT JOIN (
  SELECT m.entry_trace, MIN(u.from_ms) AS first_ms
  FROM members m
  JOIN trace_units t ON t.trace_id = m.member_trace
  JOIN units u ON u.stream_id = t.stream_id AND u.request_id = t.request_id
  GROUP BY m.entry_trace
) f ON f.entry_trace = e.id

-- make numbered
SELECT d.id, d.start_us, d.end_us, d.hour,
       CAST(ROW_NUMBER() OVER (PARTITION BY d.hour ORDER BY d.start_us, d.id) - 1 AS INTEGER) AS no
FROM dated d

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

-- What calls a function, as invocations say that wrote lines; those that did not have a trace of their
-- own making (silent.py), and know no more than these.
-- make callers
SELECT DISTINCT CAST(u.from_ms // 3600000 AS INTEGER) AS hour, i.function_name, i.trigger_name,
       COALESCE(i.source_name, '') AS source_name
FROM invocations i
JOIN placed_units u ON u.stream_id = i.at_stream AND u.request_id = i.request_id
WHERE i.trigger_name <> '' AND (i.trigger_name <> 'other' OR i.trace_id
      <> SUBSTR(SHA256(i.function_name || CHR(0) || i.request_id), 1, 32))

-- part judged
-- What did not plainly go well is read line by line, and judged as the answers judge it (judge.py).

-- make bad_units
SELECT i.at_stream AS stream_id, i.request_id
FROM invocations i
WHERE i.status = 2 OR i.ended = 0 OR i.duration_us IS NULL OR i.receive_count > 1
UNION
SELECT d.at_stream AS stream_id, d.request_id
FROM details d
WHERE d.status = 2 OR d.receive_count > 1 OR d.duration_us IS NULL
UNION
SELECT l.stream_id, l.line_request AS request_id
FROM plain_lines l
WHERE len(list_filter(l.records, lambda x: contains(x[8], '"receiveCount"'))) > 0
UNION
SELECT o.at_stream AS stream_id, o.request_id FROM odd_invocations o
UNION
SELECT o.at_stream AS stream_id, o.request_id FROM odd_silent o

-- make judged
SELECT DISTINCT t.hour, t.no
FROM tx_units t
JOIN bad_units b ON b.stream_id = t.stream_id AND b.request_id = t.request_id
JOIN placed_units p ON p.stream_id = t.stream_id AND p.request_id = t.request_id
WHERE t.hour IN (SELECT hour FROM wanted) OR p.from_ms // 3600000 IN (SELECT hour FROM wanted)
   OR p.until_ms // 3600000 IN (SELECT hour FROM wanted)

-- make judged_units
SELECT t.hour, t.no, t.stream_id, t.request_id
FROM tx_units t
JOIN judged j ON j.hour = t.hour AND j.no = t.no

-- make judged_lines
SELECT u.stream_id, u.request_id, o.at_row, o.time_ms, o.message
FROM (SELECT DISTINCT stream_id, request_id FROM judged_units) j
JOIN line_units u ON u.stream_id = j.stream_id AND u.request_id = j.request_id
JOIN (SELECT rowid AS at_row, time_ms, message FROM stored) o ON o.at_row = u.at_row

-- part lines

-- make kept_lines
SELECT o.hour, CASE WHEN p.home_hour = o.hour THEN p.home_no ELSE 2147483647 END AS clump,
       o.stream_key, u.request_id, s.log_group, s.log_stream, o.said_ms AS time_ms,
       o.time_ms IS NOT NULL AS timed, o.place, o.nth, o.message
FROM (SELECT rowid AS at_row, CAST(said_ms // 3600000 AS INTEGER) AS hour, * FROM stored) o
JOIN line_units u ON u.at_row = o.at_row
JOIN streams s ON s.stream_id = o.stream_id
JOIN placed_units p ON p.stream_id = u.stream_id AND p.request_id = u.request_id
WHERE o.hour IN (SELECT hour FROM wanted)

-- part tx

-- make written
SELECT n.* FROM numbered n WHERE n.hour IN (SELECT hour FROM wanted)
UNION
SELECT n.* FROM numbered n JOIN judged j ON j.hour = n.hour AND j.no = n.no

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
JOIN written w ON w.hour = t.hour AND w.no = t.no
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

-- How a transaction's lines are found and joined.
-- make ways
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

-- part ends
-- What names something that does not stand near: within its hour, or up to 16 minutes beside it. Other
-- hours may hold it (far.py). Kind 1 names a trace, 3 a request, 4 a link key.

-- make receiving
SELECT i.span_id, i.trace_id, i.parent_id, i.at_stream AS stream_id, i.request_id FROM invocations i
UNION ALL
SELECT d.span_id, d.trace_id, d.parent_id, d.at_stream AS stream_id, d.request_id
FROM details d
WHERE d.role = 'record'

-- A caller that is no function of ours is asked about by every request: keys of API Gateway are left out.
-- make asking
SELECT r.stream_id, r.request_id, 1 AS kind, k.linked_trace AS name, k.linked_span AS partner,
       CAST(NULL AS BIGINT) AS write_ms
FROM links k
JOIN receiving r ON r.span_id = k.span_id
UNION ALL
SELECT r.stream_id, r.request_id, 1 AS kind, r.trace_id AS name, r.parent_id AS partner,
       CAST(NULL AS BIGINT) AS write_ms
FROM receiving r
WHERE r.parent_id <> ''
UNION ALL
SELECT r.stream_id, r.request_id, CASE WHEN v.link_key LIKE 'destination:%' THEN 3 ELSE 4 END AS kind,
       REPLACE(v.link_key, 'destination:', '') AS name, o.span_id AS partner,
       CAST(NULL AS BIGINT) AS write_ms
FROM received v
JOIN receiving r ON r.span_id = v.span_id
LEFT JOIN sent o ON o.link_key = v.link_key
WHERE NOT regexp_matches(v.link_key, '^(apigw|lambda|w3c|dynamodb):')
UNION ALL
SELECT d.at_stream AS stream_id, d.request_id, 3 AS kind, SUBSTR(o.link_key, 8) AS name,
       i.span_id AS partner, CAST(NULL AS BIGINT) AS write_ms
FROM sent o
JOIN details d ON d.span_id = o.span_id
LEFT JOIN invocations i ON i.request_id = SUBSTR(o.link_key, 8)
WHERE o.link_key LIKE 'lambda:%'
UNION ALL
SELECT r.stream_id, r.request_id, 4 AS kind, 'dynamodb:' || c.fingerprint AS name, NULL AS partner,
       c.until_us // 1000 AS write_ms
FROM changes c
JOIN receiving r ON r.span_id = c.span_id

-- make standing
SELECT i.span_id, i.at_stream AS stream_id, i.request_id FROM invocations i
UNION ALL
SELECT d.span_id, d.at_stream AS stream_id, d.request_id FROM details d

-- make unmet
SELECT a.stream_id, a.request_id, a.kind, a.name, CAST(u.from_ms // 3600000 AS INTEGER) AS hour,
       MAX(a.write_ms) AS write_ms
FROM asking a
JOIN placed_units u ON u.stream_id = a.stream_id AND u.request_id = a.request_id
LEFT JOIN standing s ON s.span_id = a.partner
LEFT JOIN placed_units p ON p.stream_id = s.stream_id AND p.request_id = s.request_id
WHERE u.from_ms // 3600000 IN (SELECT hour FROM wanted)
GROUP BY a.stream_id, a.request_id, a.kind, a.name, u.from_ms // 3600000
HAVING BOOL_AND(CASE WHEN a.write_ms IS NOT NULL
                     THEN a.write_ms < u.from_ms // 3600000 * 3600000 - 960000
                     ELSE p.from_ms IS NULL OR p.until_ms < u.from_ms // 3600000 * 3600000 - 960000
                          OR p.from_ms >= u.from_ms // 3600000 * 3600000 + 4560000 END)

-- With it goes what it is one with, as far as that stands near.
-- make unmet_units
SELECT DISTINCT m.stream_id, m.request_id, m.hour, p.stream_key, p.request_id AS own_request,
       p.from_ms, p.until_ms
FROM (SELECT DISTINCT stream_id, request_id, hour FROM unmet) m
JOIN tx_units t ON t.stream_id = m.stream_id AND t.request_id = m.request_id
JOIN tx_units w ON w.hour = t.hour AND w.no = t.no
JOIN placed_units p ON p.stream_id = w.stream_id AND p.request_id = w.request_id
WHERE p.until_ms >= CAST(m.hour AS BIGINT) * 3600000 - 960000
  AND p.from_ms < CAST(m.hour AS BIGINT) * 3600000 + 4560000

-- make unmet_lists
SELECT stream_id, request_id, hour, to_json(LIST([stream_key::TEXT, own_request, from_ms::TEXT, until_ms::TEXT]
         ORDER BY from_ms, stream_key, own_request)) AS units
FROM unmet_units
GROUP BY stream_id, request_id, hour

-- make ends
SELECT m.hour, CAST(m.kind AS UTINYINT) AS kind,
       CASE WHEN m.kind = 4 THEN 0 ELSE COALESCE(TRY_CAST('0x' || RPAD(SUBSTR(
         REPLACE(m.name, '-', ''), 1, 16), 16, '0') AS UBIGINT), 0) END AS head,
       CASE WHEN m.kind = 4 THEN 0 ELSE COALESCE(TRY_CAST('0x' || RPAD(SUBSTR(
         REPLACE(m.name, '-', ''), 17, 16), 16, '0') AS UBIGINT), 0) END AS tail,
       CASE WHEN m.kind = 4 THEN split_part(m.name, ':', 1) ELSE '' END AS key_kind,
       CASE WHEN m.kind = 4 THEN SUBSTR(m.name, INSTR(m.name, ':') + 1) ELSE '' END AS named,
       CAST(m.write_ms // 3600000 AS INTEGER) AS write_hour, l.units
FROM unmet m
JOIN unmet_lists l ON l.stream_id = m.stream_id AND l.request_id = m.request_id AND l.hour = m.hour

-- part tags
-- What a span was told last holds; of a transaction, what its first span says.

-- make span_tags
SELECT e.line_span AS span_id, e.entry.key AS name, MAX_BY(e.entry.value, e.place) AS said,
       MIN(e.place * 1000 + e.nth) AS nth
FROM (
  SELECT l.place, l.line_span, UNNEST(map_entries(l.tags)) AS entry,
         generate_subscripts(map_keys(l.tags), 1) AS nth
  FROM plain_lines l
  WHERE l.tags IS NOT NULL
) e
GROUP BY e.line_span, e.entry.key

-- make plain_tags
SELECT w.hour, w.no, g.name, g.said, g.nth, s.start_us, s.span_id, COALESCE(f.fan, 1) AS fan
FROM span_tags g
JOIN spans s ON s.span_id = g.span_id
JOIN written_members w ON w.trace_id = s.trace_id
LEFT JOIN judged j ON j.hour = w.hour AND j.no = w.no
LEFT JOIN fans f ON f.member_trace = s.trace_id
WHERE j.no IS NULL

-- make tags
SELECT DISTINCT hour, said, name, no FROM plain_tags
UNION
SELECT t.hour, t.said, t.name, t.no FROM judged_tags t

-- make tx_tags
SELECT g.hour, g.no, map_from_entries(LIST(struct_pack(k := g.name, v := g.said)
         ORDER BY g.start_us, g.span_id, g.nth)) AS tags
FROM (
  SELECT p.*
  FROM plain_tags p
  WHERE p.fan = 1
  QUALIFY ROW_NUMBER() OVER (PARTITION BY p.hour, p.no, p.name ORDER BY p.start_us, p.span_id) = 1
) g
GROUP BY g.hour, g.no

-- part runs
-- A row an attempt at an invocation, in the hour in which it began; those of judged transactions were
-- read line by line.

-- make plain_runs
SELECT i.trace_id, i.span_id, i.at_stream AS stream_id, i.request_id, i.function_name, i.start_us,
       CASE WHEN i.first_moment < 100000000000 THEN p.from_ms
            ELSE COALESCE(a.from_moment, i.first_moment) END AS start_ms,
       GREATEST(i.heard_us, i.start_us + COALESCE(i.duration_us, 0)) // 1000 AS end_ms,
       i.trigger_name, i.route, i.source_name, i.duration_us, i.billed_ms, i.memory_mb, i.init_us,
       j.stream_id IS NOT NULL AS is_judged
FROM invocations i
JOIN placed_units p ON p.stream_id = i.at_stream AND p.request_id = i.request_id
LEFT JOIN attempts a ON a.stream_id = i.at_stream AND a.request_id = i.request_id
  AND i.first_moment BETWEEN a.from_moment AND a.until_moment
LEFT JOIN (SELECT DISTINCT stream_id, request_id FROM judged_units) j
  ON j.stream_id = i.at_stream AND j.request_id = i.request_id

-- make quiet_runs
SELECT k.stream_id, k.request_id,
       CASE WHEN k.from_moment < 100000000000 THEN p.from_ms ELSE k.from_moment END AS start_ms,
       p.until_ms AS end_ms, r.report_us AS duration_us, r.report_billed AS billed_ms,
       r.report_memory AS memory_mb, r.report_init AS init_us,
       COALESCE(CASE WHEN s.log_group LIKE '/aws/lambda/%' THEN SUBSTR(s.log_group, 13) END,
                f.function_name, NULLIF(s.log_group, ''), 'unknown function') AS function_name
FROM known k
JOIN placed_units p ON p.stream_id = k.stream_id AND p.request_id = k.request_id
JOIN streams s ON s.stream_id = k.stream_id
LEFT JOIN stream_names f ON f.stream_id = k.stream_id
LEFT JOIN reported r
  ON r.stream_id = k.stream_id AND r.request_id = k.request_id AND r.from_moment = k.from_moment
WHERE p.home_hour IS NULL

-- make runs
SELECT CAST(r.start_ms // 3600000 AS INTEGER) AS hour, r.start_ms, r.end_ms, r.function_name,
       '' AS label, 0 AS failed, 1 AS tells, r.duration_us, r.billed_ms, r.memory_mb, r.init_us
FROM plain_runs r
WHERE NOT r.is_judged
UNION ALL
SELECT CAST(q.start_ms // 3600000 AS INTEGER) AS hour, q.start_ms, q.end_ms, q.function_name,
       '' AS label, 0 AS failed, 0 AS tells, q.duration_us, q.billed_ms, q.memory_mb, q.init_us
FROM quiet_runs q
UNION ALL
SELECT CAST(j.start_ms // 3600000 AS INTEGER) AS hour, j.start_ms, j.end_ms, j.function_name,
       j.label, j.failed, j.tells, j.duration_us, j.billed_ms, j.memory_mb, j.init_us
FROM judged_runs j

-- part told
-- What lists and impacts say of a transaction.

-- make tx_functions
SELECT f.hour, f.no, LIST(f.function_name ORDER BY f.began, f.function_name) AS functions
FROM (
  SELECT t.hour, t.no, r.function_name, MIN(r.start_us) AS began
  FROM tx_units t
  JOIN plain_runs r ON r.stream_id = t.stream_id AND r.request_id = t.request_id
  GROUP BY t.hour, t.no, r.function_name
) f
GROUP BY f.hour, f.no

-- make tx_entries
SELECT w.hour, w.no, r.span_id, r.function_name, r.route,
       CONCAT_WS(' ', NULLIF(COALESCE(n.called, r.trigger_name), ''),
         NULLIF(REGEXP_EXTRACT(COALESCE(r.source_name, ''), '([^:/]*)[:/]*$', 1), '')) AS source
FROM written w
JOIN plain_runs r ON r.trace_id = w.id
LEFT JOIN places n ON n.trigger_name = r.trigger_name
QUALIFY ROW_NUMBER() OVER (PARTITION BY w.hour, w.no ORDER BY r.start_us, r.stream_id, r.request_id) = 1

-- make tx_entry_tags
SELECT e.hour, e.no, LIST(DISTINCT g.name) AS entry_tags
FROM tx_entries e
JOIN span_tags g ON g.span_id = e.span_id
GROUP BY e.hour, e.no

-- make tx
SELECT b.hour, b.no, b.id, b.start_us, b.end_us, b.cut, COALESCE(j.state, 'ok') AS state,
       COALESCE(j.entry, CASE WHEN e.route <> '' THEN e.route
                              WHEN e.source <> '' THEN e.source || ' → ' || e.function_name
                              ELSE e.function_name END, '(beginning not read)') AS entry,
       COALESCE(j.functions, f.functions, []) AS functions, COALESCE(j.issues, []) AS issues,
       COALESCE(j.tags, g.tags, MAP()) AS tags, COALESCE(j.entry_tags, y.entry_tags, []) AS entry_tags,
       COALESCE(j.unknown, 0) AS unknown
FROM ways b
LEFT JOIN judged_rows j ON j.hour = b.hour AND j.no = b.no
LEFT JOIN tx_functions f ON f.hour = b.hour AND f.no = b.no
LEFT JOIN tx_entries e ON e.hour = b.hour AND e.no = b.no
LEFT JOIN tx_tags g ON g.hour = b.hour AND g.no = b.no
LEFT JOIN tx_entry_tags y ON y.hour = b.hour AND y.no = b.no

"""Functions of ours that no guard can stand around, and those that no play calls."""

# The seams: what the function, a library or a `with` calls straight away. What they do is guarded;
# that they are called at all cannot be. The guard is what holds everything else.
DOORS = frozenset((
    "api.py bind", "api.py failed", "api.py record", "api.py span", "api.py tag",
    "api.py trace_id", "record.py __init__", "record.py raw_records", "record.py records",
    "scope.py __aenter__", "scope.py __aexit__", "scope.py __call__", "scope.py __enter__",
    "scope.py __exit__", "scope.py __init__", "scope.py set_attribute", "handler.py traced",
    "handler.py <lambda>", "handler.py __getattr__", "handler.py __init__",
    "handler.py __setattr__", "auto.py start", "auto.py handler", "auto.py _found",
    "auto.py __init__", "auto.py __enter__", "auto.py __exit__",
    "on_import.py exec_module", "on_import.py find_spec",
    "botocore.py __get__", "botocore.py _after_call", "botocore.py _before_call",
    "botocore.py _emit_api_params", "botocore.py _failed", "botocore.py _needs_retry",
    "botocore.py _response_received", "calls.py __deepcopy__", "current.py forked",
    "doors.py __call__", "doors.py __eq__", "doors.py __get__", "doors.py __getattr__",
    "doors.py __hash__", "doors.py __repr__", "doors.py __wrapped__",
    "integrations/aiobotocore.py emit_api_params", "integrations/aiobotocore.py send",
    "integrations/aiohttp.py _request", "integrations/aiohttp.py connect",
    "integrations/aiohttp.py request", "integrations/aiohttp.py start",
    "integrations/http_client.py close", "integrations/http_client.py endheaders",
    "integrations/http_client.py getresponse",
    "integrations/httpcore.py handle_async_request", "integrations/httpcore.py handle_request",
    "integrations/logs.py __call__", "integrations/logs.py __contains__",
    "integrations/logs.py __reduce__", "integrations/loguru.py __call__",
    "integrations/powertools_batch.py async_process_record",
    "integrations/powertools_batch.py failure_handler",
    "integrations/powertools_batch.py process_record", "integrations/structlog.py add_ids",
    "integrations/threads.py call", "integrations/threads.py submit",
    "integrations/urllib3.py make_request", "frame.py cut",
    "hang.py forks", "hang.py goes_on", "hang.py forked",
    "guard.py __enter__", "guard.py __exit__", "guard.py __init__",
))  # fmt: skip

# What a wrapper of ours is made of: the code that runs bears another file's name (`frame`).
WORN = frozenset((
    "handler.py wrapper", "scope.py wrapper", "scope.py async_wrapper", "auto.py _get_handler",
))  # fmt: skip

# What builds our own objects from our own constants when a module is imported.
BUILT = frozenset((
    "config.py __init__", "current.py __init__", "integrations/logs.py __init__",
    "integrations/loguru.py __init__", "integrations/opentelemetry.py __init__",
    "integrations/xray.py __init__", "on_import.py __init__", "output.py __init__",
    "hang.py __init__", "doors.py __init__",
    "services/__init__.py __init__", "services/_kinesis_change.py _needles",
    "span.py __init__", "variables.py __init__",
))  # fmt: skip

# What writes the line that names a place cannot name itself.
TELLING = frozenset(("guard.py report", "guard.py _is_the_hosts", "guard.py _place"))

# What no play calls, and why. It shall not grow.
UNREACHED = {
    "scope.py _open": "every kind of scope has its own",
    "services/_service.py read": "every service with records has its own",
    "services/lambda_.py extract": "the event of an Invoke is known by its context alone",
    "services/_written.py _modes": "asked only without a key for fingerprints; the plays have one",
    "wire/context.py __repr__": "for people who debug",
    "wire/span_line.py __init__": "reassembly's",
    "wire/span_line.py find": "reassembly's",
}

"""The catalogue of faults: each row has tests that hold it, and these exist.

A row says what goes wrong around a traced handler; its tests, what comes of it: the same as without
us. The ids are stable, so that a report can name one.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
HANDLERS, HOSTS = "twin/test_handlers.py", "twin/test_hosts.py"
FAULTS, SOAK = "twin/test_faults.py", "twin/test_soak.py"
HANDLER, GUARD, REDACT = (
    "capture/test_handler.py",
    "capture/test_guard.py",
    "capture/test_redact.py",
)
BATCHES, BOTOCORE, HTTP = (
    "capture/test_batches.py",
    "capture/test_botocore.py",
    "capture/test_http.py",
)
SOURCES = "capture/test_sources.py"
PLATFORM = "reassembly/test_platform.py"
SHAPES = "reassembly/test_faults_shapes.py"
ASKING = "reassembly/test_faults_asking.py"
LINES, JOINS = "reassembly/test_faults.py", "reassembly/test_faults_joins.py"
ENGINE, ENGINE_LINES = "reassembly/test_engine.py", "reassembly/test_engine_lines.py"
ORDER = "reassembly/test_engine_order.py"
GARBAGE, FORMS = "reassembly/test_garbage.py", "reassembly/test_forms.py"
WRITING = "reassembly/test_store_writing.py"
PACKED, CLOUDWATCH = "reassembly/test_packed.py", "reassembly/test_cloudwatch.py"
ODD = (ENGINE, "test_odd_streams_are_the_same_for_both")
CALLS = (HOSTS, "test_calls_to_aws")
ERRORS = (HANDLERS, "test_errors_of_every_kind")
EVENTS = (HANDLERS, "test_events_of_all_shapes")
RESULTS = (HANDLERS, "test_results_of_every_kind")

# What goes wrong, and the tests: pairs of file and name.
ROWS = {
    "C01 an exception": [ERRORS],
    "C02 what is no Exception": [(HANDLERS, "test_the_process_dies_as_it_would")],
    "C03 exceptions that cannot be spelt": [ERRORS],
    "C04 cycles and groups of exceptions": [ERRORS],
    "C05 results that are no JSON": [RESULTS],
    "C06 results that notice": [
        RESULTS, (HANDLERS, "test_events_and_results_stay_as_they_were")],
    "C07 events of any size and depth": [EVENTS],
    "C08 events of wrong types": [EVENTS],
    "C09 events that look like two sources": [EVENTS, (SOURCES, "test_nesting_ends_at_four")],
    "C10 contexts of any kind": [
        (HANDLER, "test_odd_events_and_contexts_do_no_harm"),
        (HOSTS, "test_the_runtime_says_strange_things")],
    "C11 handlers in handlers": [(HANDLERS, "test_handlers_of_every_kind")],
    "C12 handlers of every kind": [
        (HANDLERS, "test_handlers_of_every_kind"), ("twin/test_apps.py", "test_an_application")],
    "C13 wrong values in the environment": [(HOSTS, "test_wrong_values_in_the_environment")],
    "C14 switched off": [
        (HOSTS, "test_switched_off"), (HANDLER, "test_switched_off_it_gives_back_the_same_object")],
    "C15 handlers that are not there": [
        ("layer/test_ways_in.py", "test_a_wrong_handler_gives_the_runtimes_own_words")],
    "C16 standard output": [(HOSTS, "test_standard_output_replaced_or_closed")],
    "C17 text around our lines": [
        ("wire/test_span_line.py", "test_a_line_is_found_behind_text_without_a_newline"),
        (PLATFORM, "test_a_mark_of_another_request_is_untrusted")],
    "C18 too much of everything": [
        (BOTOCORE, "test_budgets_are_kept_and_counted"),
        (BOTOCORE, "test_the_byte_budget_is_kept")],
    "C19 text of every kind": [CALLS, (BOTOCORE, "test_json_that_is_written_is_one_line_each")],
    "C20 numbers of every kind": [
        CALLS, ("wire/test_span_line.py", "test_numbers_keep_their_own_digits")],
    "C21 the clock": [(HOSTS, "test_no_entropy_and_no_time")],
    "C22 random numbers": [
        (HOSTS, "test_signals_contexts_filters_and_random_numbers"),
        (HOSTS, "test_no_entropy_and_no_time")],
    "C23 forks": [
        (HOSTS, "test_forks"),
        (BOTOCORE, "test_a_forked_child_does_not_repeat_what_the_parent_gathered")],
    "C25 deadlines": [(HOSTS, "test_the_runtime_says_strange_things")],
    "C26 memory and the stack": [
        ERRORS, (HOSTS, "test_at_the_limit_of_the_stack"),
        (HOSTS, "test_where_the_memory_ends"), (FAULTS, "test_functions_raise_at_random")],
    "C27 each function of ours": [
        (FAULTS, "test_each_function_raises"), (FAULTS, "test_functions_raise_at_random"),
        (FAULTS, "test_two_functions_raise_at_once"),
        (FAULTS, "test_functions_raise_while_the_function_starts"),
        (FAULTS, "test_what_no_play_calls")],
    "C28 nothing is kept": [(SOAK, "test_nothing_is_left_behind")],
    "C29 logging": [(HOSTS, "test_what_the_function_says")],
    "C30 other tracers": [
        ("capture/test_neighbours_tracers.py", "test_tracers_live_side_by_side_in_any_order"),
        ("twin/test_beside.py", "test_beside_another_tracer"),
        (HOSTS, "test_a_tracer_of_the_users_own")],
    "C31 events with our marks": [
        (HOSTS, "test_our_own_marks_are_taken_off"), (HOSTS, "test_called_once_for_an_event")],
    "C32 batches of ten thousand": [
        (BATCHES, "test_four_thousand_records_take_linear_time_and_leave_nothing")],
    "C33 partial batch results": [RESULTS, (BATCHES, "test_what_the_result_gives_back_has_failed")],
    "C35 attempts": [
        ("reassembly/test_transactions.py", "test_attempts_of_one_request_are_told_apart")],
    "C36 tenants": [
        (HOSTS, "test_the_runtime_says_strange_things"),
        ("capture/test_sources.py", "test_a_tenant_is_named")],
    "C60 client contexts": [CALLS, ("capture/test_limits.py", "test_a_function_that_is_invoked")],
    "C61 bodies that are read once, signed URLs": [
        CALLS, (BOTOCORE, "test_a_presigned_url_is_left_alone"),
        (BOTOCORE, "test_a_request_that_botocore_copies_can_be_copied")],
    "C62 answers and pages left half-way": [CALLS],
    "C63 refusals and failures": [CALLS],
    "C64 clients copied, closed, made for each call": [
        CALLS, (BOTOCORE, "test_a_client_that_shares_anothers_events_is_listened_to_once")],
    "C65 a botocore that is another, or none": [
        (BOTOCORE, "test_botocore_is_patched_when_the_function_imports_it"),
        (GUARD, "test_a_botocore_that_is_not_known_is_left_alone")],
    "C66 patched twice": [
        (GUARD, "test_patching_botocore_twice_marks_once"),
        (HTTP, "test_patching_twice_adds_nothing")],
    "C67 headers over HTTP": [
        (HTTP, "test_the_callers_own_header_wins"),
        (HTTP, "test_headers_of_every_form_stay_as_they_are"),
        (HTTP, "test_a_redirect_to_another_host_carries_nothing"),
        (HTTP, "test_a_signed_request_gets_no_header")],
    "C68 answers that others share": [(BOTOCORE, "test_a_stubbed_client_still_passes")],
    "P3 refused with our mark": [
        ("capture/test_refused_everywhere.py", "test_a_guilty_mark"),
        ("capture/test_refused_everywhere.py", "test_an_innocent_mark"),
        ("capture/test_refused_everywhere.py", "test_a_header_over_http_is_not_taken_back")],
    "S08 secrets": [(REDACT, "test_secrets_are_masked_and_the_rest_stays")],
    "S09 masks": [
        (REDACT, "test_a_mask_comes_before_the_cut"),
        (REDACT, "test_a_hostile_text_is_looked_at_only_in_part")],
    "S10 fingerprints": [
        ("dynamodb/test_fingerprint.py", "test_table_region_key_and_secret_are_in_a_fingerprint")],
    "S12 forged lines": [
        (PLATFORM, "test_a_start_line_inside_an_invocation_is_somebodys_text"),
        (PLATFORM, "test_printing_what_lambda_says_of_the_sandbox_ends_no_invocation")],
    "S13 what the layer brings": [
        ("layer/test_wrapt.py", "test_the_layer_uses_its_own_wrapt_alone")],
    # Of reassembly each row is played to the reading of why and show, and to the engine.
    "R01 lines broken off": [
        (LINES, "test_r01_every_beginning_of_a_line_is_counted_and_costs_no_neighbour"),
        (ENGINE_LINES, "test_r01_a_line_cut_anywhere_is_no_row_and_harms_no_neighbour")],
    "R02 lines in several log events": [
        (LINES, "test_r02_a_line_in_several_log_events_is_one_that_broke_off")],
    "R03 text around lines": [
        (LINES, "test_r03_text_around_lines_and_two_in_one_are_all_read"),
        (ENGINE_LINES, "test_r03_text_before_a_mark_and_two_lines_in_one_are_both_read")],
    "R04 garbage and forms": [
        (LINES, "test_r04_what_a_file_is_spoilt_with_costs_no_span"),
        (LINES, "test_r04_one_spoilt_file_takes_nothing_from_the_plain_ones_beside_it"),
        (GARBAGE, "test_what_stands_around_garbage_is_used"),
        (FORMS, "test_a_form_that_carries_group_stream_and_time_says_the_same"),
        (FORMS, "test_a_form_without_streams_answers_the_same")],
    "R05 duplicates": [
        (LINES, "test_r05_the_same_lines_many_times_are_one_span"),
        (LINES, "test_r05_of_two_ends_of_one_invocation_one_is_picked_whatever_came_first"),
        (ORDER, "test_any_order_any_files_and_any_duplicates_give_the_same_rows")],
    "R06 order": [
        (ORDER, "test_any_order_any_files_and_any_duplicates_give_the_same_rows"),
        (ORDER, "test_sandboxes_in_any_plain_files_give_the_same_rows"),
        (GARBAGE, "test_files_forms_order_and_duplicates_do_not_change_the_answer"),
        ("reassembly/test_sources.py", "test_order_files_and_duplicates_do_not_change_the_answer")],
    "R07 starts and ends": [
        (LINES, "test_r07_without_its_start_line_an_invocation_is_whole"),
        (LINES, "test_r07_without_an_end_it_is_unfinished_and_lasts_no_time"),
        (LINES, "test_r07_ends_that_come_twice_and_before_the_start_last_no_negative_time"),
        (LINES, "test_r07_where_start_and_end_line_differ_the_earlier_beginning_holds")],
    "R08 parents that were not read": [
        (LINES, "test_r08_a_parent_that_was_not_read_keeps_its_trace_together")],
    "R09 rings": [
        (JOINS, "test_r09_rings_of_parents_and_of_links_are_cut_and_nothing_is_lost"),
        (JOINS, "test_r09_two_entries_in_one_batch_stay_two_transactions")],
    "R10 long and wide": [
        (JOINS, "test_r10_a_thousand_spans_below_each_other_and_a_thousand_receivers"),
        (JOINS, "test_r10_a_chain_that_is_too_long_is_cut_and_said_to_be")],
    "R11 clocks": [
        (JOINS, "test_r11_a_clock_that_is_an_hour_behind_is_shown_and_joins_as_before"),
        (JOINS, "test_r11_times_in_other_units_are_taken_as_they_are_or_for_none")],
    "R12 JSON that is a bomb": [
        (SHAPES, "test_r12_json_that_is_a_bomb_costs_no_neighbour"),
        (SHAPES, "test_r12_of_a_name_that_comes_twice_one_is_read"),
        (GARBAGE, "test_what_stands_around_garbage_is_used"),
        ("wire/test_span_line.py", "test_deep_nesting_is_broken_not_an_error")],
    "R13 archives that are a bomb": [
        (SHAPES, "test_r13_a_bomb_is_told_to_the_engine_too"),
        (PACKED, "test_a_bomb_is_told_in_one_sentence"),
        (PACKED, "test_a_bomb_takes_no_memory"),
        (PACKED, "test_the_names_in_an_archive_are_written_nowhere"),
        (PACKED, "test_a_folder_is_walked_and_not_left")],
    "R14 other shapes": [
        (SHAPES, "test_r14_a_field_of_any_other_type_is_read_alike"),
        (SHAPES, "test_r14_wrong_types_in_a_plain_file_cost_no_neighbour"),
        ("reassembly/test_strangers.py", "test_no_shape_of_a_line_ends_a_command"),
        (ENGINE_LINES, "test_r14_a_record_of_another_kind_is_no_row")],
    "R15 one trace id for two": [
        (JOINS, "test_r15_two_entries_under_one_trace_id_are_told_to_be_two")],
    "R16 marks of long ago": [(JOINS, "test_r16_who_wrote_an_item_before_caused_nothing")],
    "R17 several writers": [(JOINS, "test_r17_of_several_writers_none_is_picked")],
    "R18 deaths": [
        (JOINS, "test_r18_a_death_is_told_from_lambdas_lines_and_costs_no_neighbour"),
        (ENGINE, "test_a_shop_with_deaths_is_the_same_for_both"), ODD],
    "R19 attempts and replays": [
        (JOINS, "test_r19_attempts_replays_and_redrives_are_told_apart")],
    "R20 one name in two accounts": [
        (JOINS, "test_r20_functions_of_one_name_in_two_log_groups_stay_two"),
        (CLOUDWATCH, "test_of_two_regions_equal_streams_stay_apart")],
    "R21 forged lines": [
        (JOINS, "test_r21_a_whole_line_of_ours_that_somebody_printed_is_untrusted"), ODD],
    "R22 a store that is being written": [
        ("reassembly/test_store.py", "test_a_second_fetch_changes_no_byte"),
        (WRITING, "test_a_kill_at_any_moment_loses_and_breaks_nothing"),
        (WRITING, "test_ctrl_c_leaves_a_store_that_answers"),
        (WRITING, "test_a_disk_that_is_full_costs_nothing_that_was_there"),
        (WRITING, "test_a_fetch_that_was_stopped_goes_on_where_it_was"),
        (ASKING, "test_r22_where_the_disk_is_full_no_table_is_there_in_part")],
    "R23 what CloudWatch refuses": [
        (CLOUDWATCH, "test_throttling_is_waited_out"),
        (CLOUDWATCH, "test_credentials_that_expire_on_the_way_are_told"),
        (CLOUDWATCH, "test_more_than_a_page_and_more_than_a_query_gives"),
        (CLOUDWATCH, "test_reading_goes_on_where_it_stopped"),
        (CLOUDWATCH, "test_a_query_that_did_not_complete_is_told"),
        (ASKING, "test_r23_what_is_refused_on_the_way_is_no_row_until_it_is_read")],
}  # fmt: skip
ELSEWHERE = ("C24", "C34")  # deaths and durable functions: not in this table yet
WANTED = [
    *(f"C{n:02}" for n in range(1, 37)),
    *(f"C{n}" for n in range(60, 69)),
    *(f"R{n:02}" for n in range(1, 24)),
    *("S08", "S09", "S10", "S12", "S13"),
]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_tests(row):
    """Each test that a row names is there."""
    for file, name in ROWS[row]:
        text = (TESTS / file).read_text("utf-8")
        assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), name


def test_no_row_is_missing():
    """Every fault of the catalogue has a row."""
    assert sorted({row[:3] for row in ROWS} | set(ELSEWHERE)) == sorted({*WANTED, "P3 "})

"""Amazon S3.

Inbound:   one record an object, known by the id of the request that wrote it,
           ``responseElements["x-amz-request-id"]``.
Outbound:  nothing: metadata is the application's own, and signed. The request id of every call on
           an object is its key; of a multipart upload, that of ``CompleteMultipartUpload``.
Event:     https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from lumitrace.capture.services._call import Call, name_of
from lumitrace.capture.services._room import Room
from lumitrace.capture.services._service import Record, Service
from lumitrace.wire.link_key import S3, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Steps of an upload that tell nobody; only its end makes an event.
SILENT = frozenset(
    ("AbortMultipartUpload", "CreateMultipartUpload", "UploadPart", "UploadPartCopy")
)


class SimpleStorage(Service):
    """Buckets: an event a write, from whoever wrote."""

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return the id of the request that wrote one object."""
        del room
        answer = record.get("responseElements")
        identifier = answer.get("x-amz-request-id") if isinstance(answer, dict) else None
        return Record(None, link_key(S3, identifier), identifier)

    def source(self, records: "list[dict[str, Any]]") -> str:
        """Return the name of the bucket."""
        for record in records[:1]:
            s3 = record.get("s3")
            bucket = s3.get("bucket") if isinstance(s3, dict) else None
            return name_of(bucket.get("name")) if isinstance(bucket, dict) else ""
        return ""

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the key of a call on an object."""
        if call.operation in SILENT or not ("Key" in call.params or "Delete" in call.params):
            return []
        metadata = response.get("ResponseMetadata", {})
        return [key for key in [link_key(S3, metadata.get("RequestId"))] if key]


service = SimpleStorage()

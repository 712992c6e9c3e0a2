"""How paths are spelt that are no file's."""

STANDARD_INPUT = "-"
S3_SCHEME = "s3://"

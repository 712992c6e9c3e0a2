"""Items of DynamoDB tables, and the marks in them, as the person who asks reads them."""

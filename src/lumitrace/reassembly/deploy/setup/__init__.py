"""What an account needs once: where logs are kept, who may ask, what calls somebody at night."""

"""What medinfer is compared with: the same model, served in three other ways."""

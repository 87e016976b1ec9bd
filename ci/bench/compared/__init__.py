"""What medinfer is compared with: the same model, served in two other ways."""

"""allauth looks for an app's sign-in providers in a module of this name."""

from members.signin.social_providers import Apple, Google

provider_classes = [Google, Apple]

"""URLs of what members do about their account as a whole.

None but the downloads has an ID, and those find only the signed-in member's own.
"""

from django.urls import path

from portal.selfservice import closing_views, data_views, help_views

app_name = "selfservice"
urlpatterns = [
    path("account/data/", data_views.your_data, name="data"),
    path("account/close/", closing_views.close, name="close"),
    path("account/close/undo/", closing_views.keep, name="close-undo"),
    path("account/close/undo/<str:token>/", closing_views.keep_by_link, name="close-undo-link"),
    path("help/", help_views.help_page, name="help"),
    path("account/data/<uuid:pk>/", data_views.download, name="data-download"),
]

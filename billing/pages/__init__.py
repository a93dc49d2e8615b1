"""The member's pages: facts, then words, then the page. It may import every use case.

`…_facts` query, `…_views` answer requests, and the rest says in words what the templates show.
"""

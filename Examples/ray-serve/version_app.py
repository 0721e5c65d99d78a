"""An application that says which version of a dependency it has; both images carry this file."""
import os

from ray import serve


@serve.deployment
class Version:
    async def __call__(self, request):
        import humanize

        return "humanize %s in process %d\n" % (humanize.__version__, os.getpid())


app = Version.bind()

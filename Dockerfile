# docker build --tag sevis .                              for processors, 2 GB
# docker build --tag sevis --build-arg DEVICE=cuda .      for NVIDIA GPUs, 8 GB; run it with --gpus all
# docker run --rm --publish 8501:8501 --volume sevis-weights:/weights sevis
# docker run --rm --volume "$PWD:/photos" --workdir /photos sevis inspect cat.jpg
ARG DEVICE=cpu

FROM python:3.12-slim AS base
ENV PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt /tmp/

# torch and torchvision as they come for Linux bring CUDA's libraries; those for processors are apart
FROM base AS cpu
RUN grep -E '^torch(vision)?[>=]' /tmp/requirements.txt > /tmp/torch.txt \
    && pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu --requirement /tmp/torch.txt

FROM base AS cuda

# hadolint ignore=DL3006
FROM ${DEVICE}
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt
# the user that Hugging Face Spaces runs; it may write where fetched weights are kept
RUN useradd --uid 1000 --create-home sevis && install --directory --owner=sevis /weights /runs
# setuptools builds in the source folder, so it is writable; nothing of it stays in the image but the package
RUN --mount=type=bind,target=/source,rw pip install --no-cache-dir --no-deps /source
USER 1000
WORKDIR /home/sevis
ENV HF_HOME=/weights/huggingface TORCH_HOME=/weights/torch SEVIS_RUNS=/runs PYTHONUNBUFFERED=1
EXPOSE 8501
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8501/healthz', timeout=3)"]
ENTRYPOINT ["sevis"]
CMD ["app", "--address", "0.0.0.0"]

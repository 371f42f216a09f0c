# sotto in a container: docs/container.md says how it is built and used.
#
#   docker build -t sotto .                                    the processor; models come when they are asked for
#   docker build -t sotto:base --build-arg MODEL=base .        with the weights of base in the image: needs no network to run
#   docker build -t sotto:gpu --target gpu .                   WebGPU by Dawn, on what the host's Vulkan driver offers
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build
# A queue's packages are optional peers of the package; who runs the image has no npm to add them with.
RUN for name in bullmq ioredis pg; do \
    npm pkg set "dependencies.$name=$(npm pkg get "devDependencies.$name" | tr -d '"')" \
    && npm pkg delete "devDependencies.$name" "peerDependencies.$name" "peerDependenciesMeta.$name" || exit 1; \
  done

FROM build AS cpu-packages
RUN npm install --omit=dev --omit=optional --ignore-scripts

FROM build AS gpu-packages
RUN npm install --omit=dev --ignore-scripts

FROM ${BASE} AS files
WORKDIR /app
COPY LICENSE THIRD-PARTY-NOTICES.md package.json ./
COPY assets/jfk.wav assets/
COPY --from=build /build/dist/command dist/command
COPY --from=build /build/dist/src dist/src
COPY --from=build /build/dist/weights dist/weights
COPY --from=build /build/dist/packaging/healthCheck.js dist/packaging/
RUN mkdir /models /work && chmod 1777 /models /work && ln -s /app/dist/command/sotto.js /usr/local/bin/sotto
# FFMPEG=true reads all that ffmpeg reads (mp4, m4a, webm ...); WAV, FLAC, MP3, Ogg and Opus need none.
ARG FFMPEG=false
RUN if [ "$FFMPEG" = true ]; then apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*; fi
ENV NODE_ENV=production SOTTO_CACHE=/models TMPDIR=/tmp
WORKDIR /work
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "/app/dist/packaging/healthCheck.js"]
ENTRYPOINT ["sotto"]
CMD ["--help"]

FROM files AS weights
COPY --from=cpu-packages /build/node_modules /app/node_modules
# A name of `sotto models`, or owner/repo of the hub. HF_ENDPOINT names a mirror.
ARG MODEL
ARG HF_ENDPOINT
RUN if [ -n "$MODEL" ]; then sotto fetch "$MODEL"; fi

FROM files AS gpu
RUN apt-get update && apt-get install -y --no-install-recommends libvulkan1 && rm -rf /var/lib/apt/lists/*
COPY --from=gpu-packages /build/node_modules /app/node_modules
COPY --from=weights /models /models
# What NVIDIA's container runtime brings in: its Vulkan driver is among the graphics libraries.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,graphics,utility
USER 1000:1000

FROM files AS cpu
COPY --from=cpu-packages /build/node_modules /app/node_modules
COPY --from=weights /models /models
USER 1000:1000

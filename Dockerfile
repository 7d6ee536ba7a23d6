# glibc is needed: uWebSockets.js has no binary for musl.
FROM node:22-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY . .
RUN npm run postinstall && chmod -R a+rX node_modules/.cache && install -d -o node -g node data
USER node
STOPSIGNAL SIGTERM
ENTRYPOINT ["bin/redwick"]
CMD ["topology"]

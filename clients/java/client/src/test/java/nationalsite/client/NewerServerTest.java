package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import nationalsite.ordersync.v1.Delivery;
import nationalsite.ordersync.v1.DeliveryState;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.StreamMessagesResponse;
import org.junit.jupiter.api.Test;

/** Messages of a server with newer protos: known fields are decoded, unknown fields are kept. */
class NewerServerTest {
  private static final UnknownFieldSet NEWER_FIELDS =
      UnknownFieldSet.newBuilder()
          .addField(
              9_001, UnknownFieldSet.Field.newBuilder().addLengthDelimited(ByteString.copyFromUtf8("new")).build())
          .build();

  @Test
  void unknownFieldsAndOneofMembersAreKept() throws InvalidProtocolBufferException {
    var sent = Message.newBuilder().setTopic("A_NEWER_TOPIC").setUnknownFields(NEWER_FIELDS);
    var response = StreamMessagesResponse.newBuilder();
    response.getDeliveredBuilder().addReceivedMessagesBuilder().setMessage(sent);
    var encoded = response.build().toByteString();
    var decoded = StreamMessagesResponse.parseFrom(encoded);
    var message = decoded.getDelivered().getReceivedMessages(0).getMessage();
    assertEquals("A_NEWER_TOPIC", message.getTopic());
    assertEquals(Message.PayloadCase.PAYLOAD_NOT_SET, message.getPayloadCase());
    assertEquals(encoded, decoded.toByteString());
  }

  @Test
  void responseWithAnUnknownOneofMemberIsNotSet() throws InvalidProtocolBufferException {
    var encoded = StreamMessagesResponse.newBuilder().setUnknownFields(NEWER_FIELDS).build().toByteString();
    var decoded = StreamMessagesResponse.parseFrom(encoded);
    assertEquals(StreamMessagesResponse.ResponseCase.RESPONSE_NOT_SET, decoded.getResponseCase());
    assertEquals(encoded, decoded.toByteString());
  }

  @Test
  void unknownEnumValuesAreKept() throws InvalidProtocolBufferException {
    var encoded = Delivery.newBuilder().setStateValue(77).build().toByteString();
    var decoded = Delivery.parseFrom(encoded);
    assertEquals(DeliveryState.UNRECOGNIZED, decoded.getState());
    assertEquals(77, decoded.getStateValue());
    assertEquals(encoded, decoded.toBuilder().setAttempts(1).clearAttempts().build().toByteString());
  }
}
